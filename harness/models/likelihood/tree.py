"""One forward pass a batch: prompts' own tokens and label tries, after the keys and values kept."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.models.base import Floats
from harness.models.likelihood.plan import Batch
from harness.models.likelihood.tokens import Tokens, shared_length
from harness.models.likelihood.trie import LabelTrie


class TreeScorer:
    """Scores every label of a batch of prompts in one pass, under a tree mask.

    A row is the prompt's own tokens and the nodes of its label trie. The keys and values of what
    the batch shares are kept from one batch to the next.

    Args:
        model: A transformers causal LM that takes a four-dimensional attention mask,
            ``position_ids`` and a cache that can be cropped; see :func:`.probe.choose_scorers`.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self._shared: tuple[Tokens, ...] = ()
        self._cache: Any = None

    def keep(self, shared: tuple[Tokens, ...]) -> list[int]:
        """Runs the shared parts that are not kept yet.

        Returns:
            For every part how many tokens were run now: all of them, or 0.
        """
        import torch
        from transformers import DynamicCache

        common = shared_length([shared, self._shared]) if self._cache is not None else 0
        cache, self._cache = self._cache, None  # a pass that is interrupted leaves it unusable
        if common == 0:
            cache = DynamicCache(config=self.model.config)
        else:
            cache.crop(-sum(map(len, self._shared[common:])))
        for part in shared[common:]:
            ids = torch.tensor([part], device=self.model.device)
            with torch.inference_mode():
                self.model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
        self._shared, self._cache = shared, cache
        return [0] * common + [len(part) for part in shared[common:]]

    def score(self, batch: Batch) -> list[Floats]:
        """Returns the log-likelihoods of every prompt's labels, shape (labels,) each, in nats.

        What the batch shares must have been kept.
        """
        import torch

        if self._cache is None or batch.shared != self._shared:
            raise ValueError("what the batch shares was not kept")
        device = self.model.device
        ids, positions, mask = _inputs(batch, kept=sum(map(len, self._shared)))
        with torch.inference_mode():
            logits = self.model(
                input_ids=torch.from_numpy(ids).to(device),
                attention_mask=_additive(mask, self.model.dtype, device),
                position_ids=torch.from_numpy(positions).to(device),
                past_key_values=_branches(self._cache, len(batch.places)),
                use_cache=True,
                logits_to_keep=batch.predicting,
            ).logits[:, -batch.predicting :]
            return _gather(logits, batch)

    def tokens_of(self, batch: Batch) -> list[int]:
        """Returns how many tokens each prompt of the batch adds, padding left out."""
        return [
            len(prompt.own) + len(trie.tokens)
            for prompt, trie in zip(batch.prompts, batch.tries, strict=True)
        ]


def _inputs(
    batch: Batch, *, kept: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Returns ids and positions, shape (rows, width), and mask, shape (rows, width, kept + width).

    Padding comes last and is seen by nobody.
    """
    ids = np.zeros((len(batch.places), batch.width), dtype=np.int64)
    positions = np.zeros_like(ids)
    mask = np.zeros((*ids.shape, kept + batch.width), dtype=np.bool_)
    for row, (prompt, trie) in enumerate(zip(batch.prompts, batch.tries, strict=True)):
        own = len(prompt.own)
        end = own + len(trie.tokens)
        ids[row, :end] = [*prompt.own, *trie.tokens]
        positions[row, :own] = np.arange(kept, kept + own)
        positions[row, own:end] = kept + own - 1 + trie.depths
        mask[row, :end, : kept + end] = tree_mask(kept, own, trie)
    return ids, positions, mask


def tree_mask(kept: int, own: int, trie: LabelTrie) -> NDArray[np.bool_]:
    """Returns who may attend to whom, shape (own + nodes, kept + own + nodes).

    The prompt's own tokens see what was kept and each other causally; a node sees all of the
    prompt, the nodes above it, and itself.
    """
    nodes = len(trie.tokens)
    mask = np.zeros((own + nodes, kept + own + nodes), dtype=np.bool_)
    mask[:, :kept] = True
    mask[:own, kept : kept + own] = np.tril(np.ones((own, own), dtype=np.bool_))
    mask[own:, kept : kept + own] = True
    mask[own:, kept + own :] = trie.ancestry
    return mask


def _additive(mask: NDArray[np.bool_], dtype: Any, device: Any) -> Any:
    import torch

    allowed = torch.from_numpy(mask).to(device)
    additive = torch.zeros(allowed.shape, dtype=dtype, device=device)
    return additive.masked_fill_(~allowed, torch.finfo(dtype).min)[:, None]


def _branches(cache: Any, rows: int) -> Any:
    """Returns a cache that begins with what ``cache`` holds, once a row, and leaves it as it is."""
    branch = copy.copy(cache)
    branch.layers = [copy.copy(layer) for layer in cache.layers]
    for layer in branch.layers:
        if layer.is_initialized and layer.get_seq_length():
            layer.keys = layer.keys.expand(rows, -1, -1, -1)
            layer.values = layer.values.expand(rows, -1, -1, -1)
    return branch


def _gather(logits: Any, batch: Batch) -> list[Floats]:
    """Sums each label's log-probabilities; the log-normaliser in float32, the sum in float64."""
    import torch

    values = []
    for row, prompt, trie in zip(logits, batch.prompts, batch.tries, strict=True):
        logprobs = torch.log_softmax(row.float(), dim=-1)
        at = trie.predicting + len(prompt.own) - 1 - (batch.width - batch.predicting)
        wanted = torch.from_numpy(trie.predicted).to(logprobs.device)
        chosen = logprobs[torch.from_numpy(at).to(logprobs.device), wanted]
        sums = np.add.reduceat(chosen.double().cpu().numpy(), trie.starts)
        values.append(sums.astype(np.float32))
    return values

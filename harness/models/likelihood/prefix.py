"""What prompts share is run once and kept; a pass over rows goes on from it."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.models.likelihood.plan import Batch
from harness.models.likelihood.tokens import Tokens, shared_length
from harness.models.likelihood.trie import LabelTrie


class SharedPrefix:
    """The keys and values of what a batch shares, kept from one batch to the next.

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

    def forward(self, batch: Batch) -> tuple[Any, Any]:
        """Runs the rows of a batch: each prompt's own tokens and the nodes of its label trie.

        Returns:
            Logits of the last slots, shape (rows, ``batch.predicting``, vocabulary), and the
            keys and values of all rows, those of what they share among them.

        Raises:
            ValueError: What the batch shares was not kept.
        """
        import torch

        if self._cache is None or batch.shared != self._shared:
            raise ValueError("what the batch shares was not kept")
        device = self.model.device
        ids, positions, mask = _inputs(batch)
        rows = _branches(self._cache, len(batch.places))
        with torch.inference_mode():
            logits = self.model(
                input_ids=torch.from_numpy(ids).to(device),
                attention_mask=additive(mask, self.model.dtype, device),
                position_ids=torch.from_numpy(positions).to(device),
                past_key_values=rows,
                use_cache=True,
                logits_to_keep=batch.predicting,
            ).logits[:, -batch.predicting :]
        return logits, rows


def _inputs(batch: Batch) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Returns ids and positions, shape (rows, width), and mask, shape (rows, width, kept + width).

    Padding comes last and is seen by nobody.
    """
    kept = batch.kept
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


def additive(mask: NDArray[np.bool_], dtype: Any, device: Any) -> Any:
    """Returns a mask of shape (rows, queries, keys) as what is added to attention scores.

    Its shape is (rows, 1, queries, keys): 0 where a query may attend, else the least number.
    """
    import torch

    allowed = torch.from_numpy(mask).to(device)
    values = torch.zeros(allowed.shape, dtype=dtype, device=device)
    return values.masked_fill_(~allowed, torch.finfo(dtype).min)[:, None]


def _branches(cache: Any, rows: int) -> Any:
    """Returns a cache that begins with what ``cache`` holds, once a row, and leaves it as it is."""
    branch = copy.copy(cache)
    branch.layers = [copy.copy(layer) for layer in cache.layers]
    for layer in branch.layers:
        if layer.is_initialized and layer.get_seq_length():
            layer.keys = layer.keys.expand(rows, -1, -1, -1)
            layer.values = layer.values.expand(rows, -1, -1, -1)
    return branch

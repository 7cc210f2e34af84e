"""One forward pass a prompt: its own tokens and the label trie, after the keys and values kept."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.models.base import Floats
from harness.models.likelihood.tokens import TokenisedPrompt
from harness.models.likelihood.trie import LabelTrie, build_trie


class TreeScorer:
    """Scores every label of a prompt in one pass under a tree mask with tree positions.

    The keys and values of the last prefix are kept: prompts that begin alike should come one
    after the other.

    Args:
        model: A transformers causal LM that takes a four-dimensional attention mask,
            ``position_ids`` and a cache that can be cropped; see :func:`.probe.choose_scorer`.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self._prefix: tuple[int, ...] = ()
        self._cache: Any = None

    def keep_prefix(self, prefix: tuple[int, ...]) -> int:
        """Runs ``prefix`` and keeps its keys and values; returns how many tokens were run."""
        import torch
        from transformers import DynamicCache

        if prefix == self._prefix and self._cache is not None:
            return 0
        cache = DynamicCache(config=self.model.config)
        if prefix:
            ids = torch.tensor([prefix], device=self.model.device)
            with torch.inference_mode():
                self.model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
        self._prefix, self._cache = prefix, cache
        return len(prefix)

    def score(self, prompt: TokenisedPrompt) -> tuple[Floats, int]:
        """Returns the log-likelihoods, shape (labels,), in nats, and how many tokens were run.

        The prompt's context must begin with the prefix kept and be longer than it.
        """
        import torch

        kept = len(self._prefix)
        own = prompt.context[kept:]
        if self._cache is None or prompt.context[:kept] != self._prefix or not own:
            raise ValueError("the prompt does not go on from the prefix that was kept")
        cache, self._cache = self._cache, None  # a pass that is interrupted leaves it unusable
        trie = build_trie(prompt.continuations)
        device = self.model.device
        ids = torch.tensor([[*own, *trie.tokens.tolist()]], device=device)
        positions = np.concatenate(
            [np.arange(kept, kept + len(own)), kept + len(own) - 1 + trie.depths]
        )
        mask = _additive(tree_mask(kept, len(own), trie), self.model.dtype, device)
        predicting = torch.arange(len(own) - 1, ids.shape[1], device=device)
        with torch.inference_mode():
            logits = self.model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=torch.from_numpy(positions)[None].to(device),
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=predicting,
            ).logits[0]
        cache.crop(-ids.shape[1])
        self._cache = cache
        return _gather(logits, trie), ids.shape[1]


def tree_mask(kept: int, own: int, trie: LabelTrie) -> np.ndarray[Any, np.dtype[np.bool_]]:
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


def _additive(mask: np.ndarray[Any, np.dtype[np.bool_]], dtype: Any, device: Any) -> Any:
    import torch

    allowed = torch.from_numpy(mask).to(device)
    additive = torch.zeros(allowed.shape, dtype=dtype, device=device)
    return additive.masked_fill_(~allowed, torch.finfo(dtype).min)[None, None]


def _gather(logits: Any, trie: LabelTrie) -> Floats:
    """Sums each label's log-probabilities; the log-normaliser in float32, the sum in float64."""
    import torch

    logprobs = torch.log_softmax(logits.float(), dim=-1)
    places = np.concatenate([places for places, _ in trie.steps])
    tokens = np.concatenate([tokens for _, tokens in trie.steps])
    at, wanted = torch.from_numpy(places), torch.from_numpy(tokens)
    chosen = logprobs[at, wanted].double().cpu().numpy()
    ends = np.cumsum([len(places) for places, _ in trie.steps])
    return np.array([part.sum() for part in np.split(chosen, ends[:-1])], dtype=np.float32)

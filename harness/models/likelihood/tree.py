"""One forward pass a batch: prompts' own tokens and label tries, after the keys and values kept."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.models.base import Floats
from harness.models.likelihood.plan import Batch
from harness.models.likelihood.prefix import SharedPrefix
from harness.models.likelihood.tokens import Tokens


class TreeScorer:
    """Scores every label of a batch of prompts in one pass, under a tree mask.

    A row is the prompt's own tokens and the nodes of its label trie. The keys and values of what
    the batch shares are kept from one batch to the next.

    Args:
        model: A transformers causal LM; see :class:`.prefix.SharedPrefix`.
    """

    def __init__(self, model: Any) -> None:
        self._prefix = SharedPrefix(model)

    def keep(self, shared: tuple[Tokens, ...]) -> list[int]:
        """Runs the shared parts that are not kept yet; see :class:`.prefix.SharedPrefix`."""
        return self._prefix.keep(shared)

    def score(self, batch: Batch) -> list[Floats]:
        """Returns the log-likelihoods of every prompt's labels, shape (labels,) each, in nats.

        What the batch shares must have been kept.
        """
        import torch

        with torch.inference_mode():
            logits, _ = self._prefix.forward(batch)
            return _gather(logits, batch)

    def tokens_of(self, batch: Batch) -> list[int]:
        """Returns how many tokens each prompt of the batch adds, padding left out."""
        return [
            len(prompt.own) + len(trie.tokens)
            for prompt, trie in zip(batch.prompts, batch.tries, strict=True)
        ]


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

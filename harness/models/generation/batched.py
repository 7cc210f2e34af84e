"""Many prompts at once: what they share is kept, and every step is one pass over all rows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from harness.core.types import Cost
from harness.models.generation.plan import TextBatch
from harness.models.generation.reading import Reader
from harness.models.generation.rows import Rows
from harness.models.likelihood.passes import Done
from harness.models.likelihood.plan import Budget, plan_batches
from harness.models.likelihood.prefix import SharedPrefix
from harness.models.likelihood.tokens import Tokens


class BatchWriter:
    """Writes after all prompts of a batch at once.

    Args:
        model: A transformers causal LM; see
            :class:`harness.models.likelihood.prefix.SharedPrefix`.
        budget: How large a pass over prompts may be.
    """

    def __init__(self, model: Any, budget: Budget) -> None:
        self.model = model
        self.budget = budget
        self._prefix = SharedPrefix(model)

    def keep(self, shared: tuple[Tokens, ...]) -> list[int]:
        """Runs the shared parts that are not kept yet; returns the tokens run for each."""
        return self._prefix.keep(shared)

    def write(self, batch: TextBatch, reader: Reader) -> Iterator[Done[str]]:
        """Yields rows as their texts end. What the batch shares must have been kept."""
        started = time.perf_counter()
        rows, logits = self.begin(batch)
        tokens: list[int] = logits.argmax(-1).tolist()
        seconds = time.perf_counter() - started
        own = [len(prompt.own) for prompt in batch.prompts]
        spent = [seconds * count / sum(own) for count in own]
        texts = [reader.begin(prompt.context) for prompt in batch.prompts]
        left = list(range(len(texts)))
        while True:
            ended = [row for row, token in zip(left, tokens, strict=True) if texts[row].add(token)]
            if ended:
                costs = [Cost(spent[row], own[row] + len(texts[row].tokens)) for row in ended]
                yield ended, [texts[row].value for row in ended], costs
            going_on = [place for place, row in enumerate(left) if not texts[row].ended]
            if not going_on:
                return
            left = [left[place] for place in going_on]
            started = time.perf_counter()
            rows.keep(going_on)
            tokens = rows.step([texts[row].tokens[-1] for row in left])
            seconds = time.perf_counter() - started
            for row in left:
                spent[row] += seconds / len(left)

    def begin(self, batch: TextBatch) -> tuple[Rows, Any]:
        """Runs the prompts of a batch; what they share must have been kept.

        Returns:
            The rows that go on from them, and logits of the first token of each text, shape
            (rows, vocabulary).
        """
        import torch

        rows = Rows(self.model, batch)
        first: list[Any] = [None] * len(batch.places)
        for part in plan_batches(batch.prompts, self.budget):
            logits, cache = self._prefix.forward(part)
            rows.put(part.places, cache)
            for row, prompt, of_row in zip(part.places, part.prompts, logits, strict=True):
                first[row] = of_row[len(prompt.own) - 1 - part.width + part.predicting]
        with torch.inference_mode():
            return rows, torch.stack(first).float()

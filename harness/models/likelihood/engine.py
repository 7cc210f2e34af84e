"""Runs prompts through a model, batch by batch, and says what each cost."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Iterator, Sequence
from typing import Any

from harness.core.types import Cost
from harness.models.base import Floats
from harness.models.likelihood.passes import Done, Passed, Passes
from harness.models.likelihood.plan import Batch, Budget, by_way, plan_batches
from harness.models.likelihood.probe import Scorer, choose_scorers
from harness.models.likelihood.tokens import TokenisedPrompt
from harness.models.packed import pack_linears

BUDGETS = {"cpu": Budget(tokens=512, predictions=1024)}
ACCELERATOR = Budget(tokens=16384, predictions=4096, slots=65536)


class Engine:
    """Scores the labels of any number of prompts.

    Args:
        model: A transformers causal LM, on its device.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.budget = BUDGETS.get(model.device.type, ACCELERATOR)
        pack_linears(model)
        self.scorers = choose_scorers(model)
        self._passes = Passes()

    def run(self, prompts: Sequence[TokenisedPrompt]) -> Iterator[Passed[Floats]]:
        """Yields results pass by pass, in the order of the plan.

        Raises:
            UserError: There is not even memory for one prompt.
        """
        for scorer, places in by_way(prompts, self.scorers.choose):
            score = functools.partial(_score, scorer)
            for batch in plan_batches([prompts[place] for place in places], self.budget):
                original = tuple(places[place] for place in batch.places)
                placed = dataclasses.replace(batch, places=original)
                yield from self._passes.run(placed, scorer.keep, score)


def _score(scorer: Scorer, batch: Batch) -> Iterator[Done[Floats]]:
    started = time.perf_counter()
    values = scorer.score(batch)
    seconds = time.perf_counter() - started
    tokens = scorer.tokens_of(batch)
    yield range(len(tokens)), values, [Cost(seconds * own / sum(tokens), own) for own in tokens]

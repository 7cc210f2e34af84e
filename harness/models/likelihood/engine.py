"""Runs prompts through a model, batch by batch, and says what each cost."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence
from typing import Any

from harness.core.errors import UserError
from harness.core.types import Cost
from harness.models.base import Floats
from harness.models.likelihood.plan import Batch, Budget, plan_batches
from harness.models.likelihood.probe import Scorer, choose_scorers
from harness.models.likelihood.tokens import TokenisedPrompt
from harness.models.packed import pack_linears

BUDGETS = {"cpu": Budget(tokens=512, predictions=1024)}
ACCELERATOR = Budget(tokens=16384, predictions=4096, slots=65536)


@dataclasses.dataclass(frozen=True, slots=True)
class Scored:
    """What came of one pass.

    Attributes:
        places: The positions of its prompts in the list that was asked for.
        values: The log-likelihoods of each prompt's labels.
        costs: What each prompt cost by itself.
        shared: What was run of the parts that the prompts share: nothing for those kept.
        halved: Whether the pass was made smaller than planned, for want of memory.
    """

    places: tuple[int, ...]
    values: list[Floats]
    costs: list[Cost]
    shared: list[Cost]
    halved: bool = False


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
        self._too_many: int | None = None  # token slots of a pass that memory did not suffice for

    def run(self, prompts: Sequence[TokenisedPrompt]) -> Iterator[Scored]:
        """Yields results pass by pass, in the order of the plan.

        A pass that needs more memory than there is, is made again as two of half the size.

        Raises:
            UserError: There is not even memory for one prompt.
        """
        by_scorer: dict[int, tuple[Scorer, list[int]]] = {}
        for place, prompt in enumerate(prompts):
            scorer = self.scorers.choose(prompt)
            by_scorer.setdefault(id(scorer), (scorer, []))[1].append(place)
        for scorer, places in by_scorer.values():
            for batch in plan_batches([prompts[place] for place in places], self.budget):
                original = tuple(places[place] for place in batch.places)
                yield from self._run(scorer, dataclasses.replace(batch, places=original))

    def _run(self, scorer: Scorer, batch: Batch) -> Iterator[Scored]:
        shared: list[Cost] | None = None  # not run yet
        waiting, halved = [batch], False
        while waiting:
            part = waiting.pop(0)
            if self._is_too_large(part):
                waiting[:0] = part.halves()
                halved = True
                continue
            try:
                shared = _keep(scorer, part) if shared is None else shared
                values, costs = _score(scorer, part)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if len(part.places) == 1:
                    raise _one_is_too_large(part) from error
                self._too_many = part.slots
                waiting.insert(0, part)
            else:
                yield Scored(part.places, values, costs, shared, halved)
                shared = [Cost()] * len(shared)

    def _is_too_large(self, batch: Batch) -> bool:
        """Returns whether memory did not suffice for as large a batch before."""
        known = self._too_many is not None and batch.slots >= self._too_many
        return known and len(batch.places) > 1


def _one_is_too_large(batch: Batch) -> UserError:
    return UserError(
        "there is not enough memory to run one prompt",
        found=f"{len(batch.prompts[0].context)} tokens and "
        f"{len(batch.tries[0].tokens)} nodes of the label trie",
        hint="take shorter prompts, fewer demonstrations or a smaller model",
    )


def _keep(scorer: Scorer, batch: Batch) -> list[Cost]:
    started = time.perf_counter()
    ran = scorer.keep(batch.shared)
    seconds = time.perf_counter() - started
    return [Cost(seconds * part / max(1, sum(ran)), part) for part in ran]


def _score(scorer: Scorer, batch: Batch) -> tuple[list[Floats], list[Cost]]:
    started = time.perf_counter()
    values = scorer.score(batch)
    seconds = time.perf_counter() - started
    tokens = scorer.tokens_of(batch)
    return values, [Cost(seconds * own / sum(tokens), own) for own in tokens]


def is_out_of_memory(error: BaseException) -> bool:
    """Returns whether an error says that memory ran out, on an accelerator or the machine."""
    import torch

    text = str(error)
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError)
        and ("DefaultCPUAllocator" in text or "out of memory" in text)
    )

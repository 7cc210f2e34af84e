"""Batches run pass by pass; one that memory does not suffice for is made again as halves."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, Protocol, Self, TypeVar

from harness.core.errors import UserError
from harness.core.types import Cost
from harness.models.likelihood.tokens import Tokens

V = TypeVar("V")
B = TypeVar("B", bound="Divisible")
Done = tuple[Sequence[int], list[V], list[Cost]]
"""Some rows of a batch, what came of each, and what each cost by itself."""


@dataclasses.dataclass(frozen=True, slots=True)
class Passed(Generic[V]):
    """What came of one pass, or of the rows of it that are done.

    Attributes:
        places: The positions of its prompts in the list that was asked for.
        values: What came of each prompt: the log-likelihoods of its labels, or a text.
        costs: What each prompt cost by itself.
        shared: What was run of the parts that the prompts share: nothing for those kept.
        halved: Whether the pass was made smaller than planned, for want of memory.
    """

    places: tuple[int, ...]
    values: list[V]
    costs: list[Cost]
    shared: list[Cost]
    halved: bool = False


class Divisible(Protocol):
    """A batch that can be made smaller."""

    @property
    def places(self) -> tuple[int, ...]:
        """The positions of its prompts in the list that was asked for."""
        ...

    @property
    def shared(self) -> tuple[Tokens, ...]:
        """What its prompts all begin with, in parts."""
        ...

    @property
    def slots(self) -> int:
        """How many keys and values it needs."""
        ...

    @property
    def needs(self) -> str:
        """What its first prompt needs, in words."""
        ...

    def part(self, rows: Sequence[int]) -> Self:
        """Returns a batch of these rows alone."""
        ...


class Passes:
    """Runs batches, and remembers how large a pass memory did not suffice for."""

    def __init__(self) -> None:
        self._too_many: int | None = None  # slots

    def run(
        self,
        batch: B,
        keep: Callable[[tuple[Tokens, ...]], list[int]],
        work: Callable[[B], Iterator[Done[V]]],
    ) -> Iterator[Passed[V]]:
        """Yields what comes of a batch.

        A pass that needs more memory than there is, is made again as two of half the size,
        without the rows that were done.

        Args:
            batch: The batch.
            keep: Runs what is shared and not kept yet; returns the tokens run for each part.
            work: Runs a batch whose shared parts are kept; gives rows as they are done.

        Raises:
            UserError: There is not even memory for one prompt.
        """
        shared: list[Cost] | None = None  # not run yet
        waiting, halved = [batch], False
        while waiting:
            part = waiting.pop(0)
            if self._is_too_large(part):
                waiting[:0] = halves(part)
                halved = True
                continue
            left = dict.fromkeys(range(len(part.places)))
            try:
                shared = _keep(keep, part) if shared is None else shared
                for rows, values, costs in work(part):
                    places = tuple(part.places[row] for row in rows)
                    yield Passed(places, values, costs, shared, halved)
                    shared = [Cost()] * len(shared)
                    for row in rows:
                        del left[row]
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if len(part.places) == 1:
                    raise _one_is_too_large(part) from error
                self._too_many = part.slots
                waiting.insert(0, part.part([*left]))
                halved = True

    def _is_too_large(self, batch: Divisible) -> bool:
        """Returns whether memory did not suffice for as large a batch before."""
        known = self._too_many is not None and batch.slots >= self._too_many
        return known and len(batch.places) > 1


def halves(batch: B) -> tuple[B, B]:
    """Returns two batches of half as many prompts each."""
    rows = range(len(batch.places))
    middle = len(rows) // 2
    return batch.part(rows[:middle]), batch.part(rows[middle:])


def _keep(keep: Callable[[tuple[Tokens, ...]], list[int]], batch: Divisible) -> list[Cost]:
    started = time.perf_counter()
    ran = keep(batch.shared)
    seconds = time.perf_counter() - started
    return [Cost(seconds * part / max(1, sum(ran)), part) for part in ran]


def _one_is_too_large(batch: Divisible) -> UserError:
    return UserError(
        "there is not enough memory to run one prompt",
        found=batch.needs,
        hint="take shorter prompts, fewer demonstrations or a smaller model",
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Returns whether an error says that memory ran out, on an accelerator or the machine."""
    import torch

    text = str(error)
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError)
        and ("DefaultCPUAllocator" in text or "out of memory" in text)
    )

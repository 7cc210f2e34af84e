"""Which prompts are written after together, planned from the prompts alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from harness.models.likelihood.tokens import TokenisedPrompt, Tokens

# Both decide the last bits of what a model says: a change of them raises GENERATION_VERSION.
WIDTH_STEP = 64
ROW_STEP = 4


@dataclasses.dataclass(frozen=True, slots=True)
class TextBatch:
    """Prompts whose texts are generated together, a row each.

    Attributes:
        shared: What they all begin with, in parts: token ids, kept from one batch to the next.
        places: Their positions in the list that was asked for.
        prompts: The prompts.
        width: Slots of a row for the prompt's own tokens; those it does not need stay empty.
        room: How many tokens may be generated after each.
    """

    shared: tuple[Tokens, ...]
    places: tuple[int, ...]
    prompts: tuple[TokenisedPrompt, ...]
    width: int
    room: int

    @property
    def kept(self) -> int:
        """How many tokens the prompts share."""
        return sum(map(len, self.shared))

    @property
    def slots(self) -> int:
        """Keys and values of all rows, those of the shared part again for every row."""
        return len(self.places) * (self.kept + self.width + self.room)

    @property
    def needs(self) -> str:
        """What the first prompt needs, in words."""
        return f"{len(self.prompts[0].context)} tokens and {self.room} to be generated"

    def part(self, rows: Sequence[int]) -> TextBatch:
        """Returns a batch of these rows alone."""
        return dataclasses.replace(
            self,
            places=tuple(self.places[row] for row in rows),
            prompts=tuple(self.prompts[row] for row in rows),
        )


@dataclasses.dataclass(frozen=True, slots=True)
class TextBudget:
    """How large a batch may be.

    Attributes:
        rows: Its rows, a multiple of four.
        slots: Keys and values of all rows, those of the shared part again for every row.
    """

    rows: int
    slots: int

    def fitting(self, slots: int) -> int:
        """Returns how many rows of so many slots fit: a multiple of four where that many do."""
        rows = min(self.rows, self.slots // slots)
        return max(1, rows - rows % ROW_STEP if rows > ROW_STEP else rows)


def plan_texts(
    prompts: Sequence[TokenisedPrompt],
    places: Sequence[int],
    budget: TextBudget,
    *,
    max_tokens: int,
) -> Iterator[TextBatch]:
    """Yields batches of the prompts at some places: with equal beginnings and equal widths.

    A row's width follows from its prompt alone, because it decides in which order sums are made.
    It grows in wide steps, so that prompts of many lengths go on together: a step of a model
    takes about as long for sixteen rows as for one.
    """
    groups: dict[tuple[tuple[Tokens, ...], int], list[int]] = {}
    for place in places:
        shape = (prompts[place].shared, own_width(prompts[place]))
        groups.setdefault(shape, []).append(place)
    for (shared, width), members in sorted(groups.items()):
        rows = budget.fitting(sum(map(len, shared)) + width + max_tokens)
        for start in range(0, len(members), rows):
            chosen = tuple(members[start : start + rows])
            own = tuple(prompts[place] for place in chosen)
            yield TextBatch(shared, chosen, own, width, max_tokens)


def own_width(prompt: TokenisedPrompt) -> int:
    """Returns how many slots a row has for the prompt's own tokens."""
    return filled_up(len(prompt.own), WIDTH_STEP)


def filled_up(count: int, step: int) -> int:
    """Returns the next multiple of ``step``, or ``count`` where it is one."""
    return -(-count // step) * step

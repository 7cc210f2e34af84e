"""Which examples a prompt shows, and in which order."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

from harness.core.types import Example

Selection = Literal["random", "balanced"]


def select_demonstrations(
    train: Sequence[Example], *, k: int, selection: Selection, seed: int
) -> list[Example]:
    """Returns at most ``k`` of the training examples, in the order a prompt shows them.

    ``random`` takes any; ``balanced`` goes round the classes, so that no class is shown twice
    before every class is shown once, as far as ``k`` reaches. The order is random in both.

    Choice and order follow from the seed and the rows alone, and choices nest: 8 demonstrations
    hold the 4 of the same seed.
    """
    ordered = sorted(train, key=lambda example: _rank(seed, example.row, "choice"))
    if selection == "balanced":
        ordered = _round_robin(ordered)
    return sorted(ordered[:k], key=lambda example: _rank(seed, example.row, "order"))


def _round_robin(ordered: Sequence[Example]) -> list[Example]:
    """Puts the first of every class first, then the second of every class, and so on."""
    taken: dict[str | None, int] = {}
    turns = []
    for place, example in enumerate(ordered):
        turn = taken.get(example.target, 0)
        taken[example.target] = turn + 1
        turns.append((turn, place, example))
    return [example for _, _, example in sorted(turns, key=lambda item: item[:2])]


def _rank(seed: int, row: int, purpose: str) -> str:
    return hashlib.sha256(f"{seed}:{row}:{purpose}".encode()).hexdigest()

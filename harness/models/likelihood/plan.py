"""What is run together, planned from the prompts alone: the same plan everywhere.

Neither what lies in a cache, nor free memory, nor how far an earlier run came changes anything
here, so the same prompts give the same bits.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from harness.models.base import PromptText
from harness.models.likelihood.tokens import TokenisedPrompt, Tokens
from harness.models.likelihood.trie import LabelTrie, build_trie

# Both decide the last bits of what a model says: a change of them raises SCORING_VERSION and
# GENERATION_VERSION.
MIN_SAVED_CHARACTERS = 256
WIDTH_STEP = 4
Way = TypeVar("Way")


def plan_segments(prompts: Sequence[PromptText]) -> list[tuple[str, ...]]:
    """Cuts prompts into what they share with others, run once and kept, and what is their own.

    A prompt is cut after the pieces that all prompts share, and after any longer beginning that
    a group of them shares, where that saves enough reading to be worth a pass of its own.

    Returns:
        For each prompt its segments in order; joined they are its text. The last is its own.
    """
    paths = _paths(prompts)
    counts = Counter(node for path in paths for node in path)
    return [
        _segments(prompt, [counts[node] for node in path], len(prompts))
        for prompt, path in zip(prompts, paths, strict=True)
    ]


def _paths(prompts: Sequence[PromptText]) -> list[list[int]]:
    """Returns, for each prompt, the number of each beginning made of its pieces but the last."""
    numbers: dict[tuple[int, str], int] = {}
    paths = []
    for prompt in prompts:
        path: list[int] = []
        for piece in prompt.pieces[:-1]:
            parent = path[-1] if path else -1
            path.append(numbers.setdefault((parent, piece), len(numbers)))
        paths.append(path)
    return paths


def _segments(prompt: PromptText, counts: Sequence[int], prompts: int) -> tuple[str, ...]:
    """Cuts one prompt; ``counts`` says how many prompts share each of its beginnings."""
    segments: list[str] = []
    open_ = ""
    for place, (piece, count) in enumerate(zip(prompt.pieces, counts, strict=False)):
        open_ += piece
        ends_here = place + 1 == len(counts) or counts[place + 1] < count
        worth_it = count == prompts or (count - 1) * len(open_) >= MIN_SAVED_CHARACTERS
        if open_ and ends_here and worth_it:
            segments.append(open_)
            open_ = ""
    return (*segments, open_ + prompt.pieces[-1])


@dataclasses.dataclass(frozen=True, slots=True)
class Batch:
    """Prompts that go through the model in one pass, a row each.

    Attributes:
        shared: What they all begin with, in parts: token ids, kept from one batch to the next.
        places: Their positions in the list that was planned.
        prompts: The prompts.
        tries: The trie of each prompt's continuations.
        width: Token slots of a row.
        predicting: How many of a row's last slots go through the output layer.
    """

    shared: tuple[Tokens, ...]
    places: tuple[int, ...]
    prompts: tuple[TokenisedPrompt, ...]
    tries: tuple[LabelTrie, ...]
    width: int
    predicting: int

    @property
    def kept(self) -> int:
        """How many tokens the prompts share."""
        return sum(map(len, self.shared))

    @property
    def slots(self) -> int:
        """Keys and values that the pass needs, those of the shared part again for every row."""
        return len(self.places) * (self.kept + self.width)

    @property
    def needs(self) -> str:
        """What the first prompt needs, in words."""
        return (
            f"{len(self.prompts[0].context)} tokens and "
            f"{len(self.tries[0].tokens)} nodes of the label trie"
        )

    def part(self, rows: Sequence[int]) -> Batch:
        """Returns a batch of these rows alone."""
        return dataclasses.replace(
            self,
            places=tuple(self.places[row] for row in rows),
            prompts=tuple(self.prompts[row] for row in rows),
            tries=tuple(self.tries[row] for row in rows),
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Budget:
    """How large a pass may be.

    Attributes:
        tokens: Token slots of a pass; a prompt that needs more goes alone.
        predictions: Slots of a pass that go through the output layer.
        slots: Keys and values of all rows, those of the shared part again for every row.
    """

    tokens: int
    predictions: int
    slots: int = 16384

    def rows(self, shared: int, width: int, predicting: int) -> int:
        """Returns how many rows of a width fit, after so many shared tokens; at least one."""
        return max(
            1,
            min(
                self.tokens // width,
                self.predictions // predicting,
                self.slots // (shared + width),
            ),
        )


def by_way(
    prompts: Sequence[TokenisedPrompt], choose: Callable[[TokenisedPrompt], Way]
) -> list[tuple[Way, list[int]]]:
    """Returns the ways in which prompts are run, and the positions of the prompts of each."""
    found: dict[int, tuple[Way, list[int]]] = {}
    for place, prompt in enumerate(prompts):
        way = choose(prompt)
        found.setdefault(id(way), (way, []))[1].append(place)
    return list(found.values())


def plan_batches(prompts: Sequence[TokenisedPrompt], budget: Budget) -> Iterator[Batch]:
    """Yields batches of prompts with equal beginnings and equal widths.

    Batches whose prompts begin alike follow each other, so that what they share is run once. A
    row's width follows from its prompt alone, because it decides in which order sums are made.
    """
    tries = [build_trie(prompt.continuations) for prompt in prompts]
    groups: dict[tuple[tuple[Tokens, ...], int, int], list[int]] = {}
    for place, (prompt, trie) in enumerate(zip(prompts, tries, strict=True)):
        shape = _shape(len(prompt.own), len(trie.tokens))
        groups.setdefault((prompt.shared, *shape), []).append(place)
    for (shared, width, predicting), places in sorted(groups.items()):
        rows = budget.rows(sum(map(len, shared)), width, predicting)
        for start in range(0, len(places), rows):
            chosen = tuple(places[start : start + rows])
            yield Batch(
                shared=shared,
                places=chosen,
                prompts=tuple(prompts[place] for place in chosen),
                tries=tuple(tries[place] for place in chosen),
                width=width,
                predicting=predicting,
            )


def _shape(own: int, nodes: int) -> tuple[int, int]:
    """Returns the width of a prompt's row, and how many of its last slots may predict."""
    width = rounded(own + nodes)
    return width, min(width, rounded(nodes) + WIDTH_STEP)


def rounded(length: int) -> int:
    """Returns the next multiple of ``WIDTH_STEP``, or ``length`` where it is one."""
    return -(-length // WIDTH_STEP) * WIDTH_STEP

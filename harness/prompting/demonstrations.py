"""Which examples a prompt shows, and in which order."""

from __future__ import annotations

import functools
import hashlib
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.core.errors import UserError
from harness.core.types import Example
from harness.stats.arrays import unit_rows
from harness.tasks.splits import normalised

Selection = Literal["random", "balanced", "nearest", "diverse"]
Order = Literal["random", "nearest_last", "label_grouped"]
Scope = Literal["draw", "query"]
"""Whether the demonstrations are fixed for a draw or chosen for every query."""
Embed = Callable[[Sequence[Example]], NDArray[np.float32]]
"""Gives the embeddings of examples, shape (examples, dimensions)."""

TRADE_OFF = 0.5
"""How much relevance counts in ``diverse``, against similarity to what is chosen already."""
STEPS = 1e5
"""Cosines are compared in steps of 1 / STEPS, so that the last bits of a sum decide nothing."""
NO_TEXT = -1


def needs_encoder(select: Selection, order: Order | None) -> bool:
    """Says whether demonstrations chosen and ordered so are found by their embeddings."""
    return select in ("nearest", "diverse") or order == "nearest_last"


def check_settings(
    select: Selection, order: Order | None, per: Scope | None
) -> tuple[Order, Scope]:
    """Returns order and scope, with what is natural for the selection where one is None.

    ``nearest`` and ``diverse`` are chosen per query and shown nearest last; the others are fixed
    per draw and shown in random order, and so is the order of ``diverse`` per draw.

    Raises:
        UserError: There is no query that something could be near to.
    """
    similar = select in ("nearest", "diverse")
    scope: Scope = per or ("query" if similar else "draw")
    if scope == "draw" and (select == "nearest" or order == "nearest_last"):
        by_select = select == "nearest"
        setting = "select=nearest" if by_select else "order=nearest_last"
        instead = "select=diverse,order=random" if by_select else "order=random"
        raise UserError(
            "demonstrations that are fixed per draw are near to no query",
            where="per",
            found=f"{setting},per=draw",
            expected=f"{setting},per=query",
            hint=f"to keep them fixed, write {instead},per=draw",
        )
    return order or ("nearest_last" if similar and scope == "query" else "random"), scope


class DemonstrationPicker:
    """Picks the demonstrations of every query out of the training examples of a draw.

    - ``random`` takes any.
    - ``balanced`` goes round the classes, so that no class is shown twice before every class is
      shown once, as far as ``k`` reaches.
    - ``nearest`` takes those whose embeddings have the largest cosine with the query's.
    - ``diverse`` takes one after the other the largest maximal marginal relevance (Carbonell and
      Goldstein 1998): the cosine with the query, less the largest with one chosen already. Per
      draw the centroid of the training examples stands for the query.

    The orders are ``random``; ``nearest_last``, the most similar next to the query; and
    ``label_grouped``, the classes one after the other as they come in the choice, each in random
    order.

    A query is never shown itself, nor an example of equal text (case, punctuation and white space
    aside): the next choice takes its place. ``nearest`` and ``diverse`` show no text twice.

    What is picked for a query follows from the seed, the training examples and the query's text
    alone. Choices nest: 8 demonstrations hold the 4 of the same seed.

    Args:
        train: The training examples, in any order.
        k: How many demonstrations; all there are where there are fewer.
        select: Which.
        order: In which order; None for the natural one, see :func:`check_settings`.
        per: Fixed per draw or chosen per query; None for the natural one.
        seed: Decides what is random, and between equals.
        text: Gives an example's fields as one text.
        embed: Gives the embeddings; called only where :func:`needs_encoder` says so.

    Raises:
        UserError: The settings contradict each other.
    """

    def __init__(
        self,
        train: Sequence[Example],
        *,
        k: int,
        select: Selection = "balanced",
        order: Order | None = None,
        per: Scope | None = None,
        seed: int,
        text: Callable[[Example], str],
        embed: Embed | None = None,
    ) -> None:
        self._order, self._scope = check_settings(select, order, per)
        self._k = k
        self._select = select
        self._seed = seed
        self._text = text
        self._embed = embed
        # In this order a place is a seeded rank: of equals the first is the one to take.
        self._train = sorted(train, key=lambda example: _rank(seed, example.row, "choice"))
        self._fixed: dict[int, list[int]] = {}
        # The training examples' embeddings made unit length, shape (examples, dimensions).
        self._vectors = np.empty((len(train), 0), dtype=np.float32)
        if k and train and needs_encoder(select, self._order):
            self._vectors = self._encode(self._train)

    def pick(self, queries: Sequence[Example]) -> list[list[Example]]:
        """Returns the demonstrations of every query, in the order the prompt shows them."""
        if not (queries and self._train and self._k):
            return [[] for _ in queries]
        numbers, _ = self._texts
        texts = [normalised(self._text(query)) for query in queries]
        own = [numbers.get(text, NO_TEXT) for text in texts]
        if self._scope == "draw":
            places = [self._per_draw(number) for number in own]
        else:
            cosines = self._cosines(queries)
            places = [
                self._arrange(self._choose(text, number, similar), similar)
                for text, number, similar in zip(texts, own, cosines, strict=True)
            ]
        return [[self._train[place] for place in shown] for shown in places]

    def _per_draw(self, own: int) -> list[int]:
        """Returns the places to show where the query has this text; worked out once."""
        if own not in self._fixed:
            similar = np.zeros(len(self._train))
            if self._select == "diverse":
                centroid = unit_rows(self._vectors.mean(axis=0, keepdims=True))[0]
                similar = _cosines(self._vectors, centroid)
            self._fixed[own] = self._arrange(self._choose(None, own, similar), similar)
        return self._fixed[own]

    def _choose(self, query: str | None, own: int, similar: NDArray[np.float64]) -> list[int]:
        """Returns the places chosen, the first choice first.

        Args:
            query: The query's text; None for a choice that is fixed.
            own: The number of the text that is not to be chosen.
            similar: Each place's cosine with the query, shape (places,).
        """
        _, text_of = self._texts
        if self._select == "nearest":
            return _greedy(similar, text_of, own, self._k)
        if self._select == "diverse":
            return _greedy(similar, text_of, own, self._k, apart=self._vectors)
        others = [place for place in self._shuffled(query) if text_of[place] != own]
        if self._select == "balanced":
            others = _round_robin(others, [self._train[place].target for place in others])
        return others[: self._k]

    def _arrange(self, chosen: list[int], similar: NDArray[np.float64]) -> list[int]:
        """Puts the places chosen in the order the prompt shows them."""
        if self._order == "nearest_last":
            return sorted(chosen, key=lambda place: (similar[place], -place))
        # By row alone, so that prompts which show the same examples begin alike.
        shown = sorted(chosen, key=lambda place: _rank(self._seed, self._train[place].row, "order"))
        if self._order == "label_grouped":
            labels = list(dict.fromkeys(self._train[place].target for place in chosen))
            shown.sort(key=lambda place: labels.index(self._train[place].target))
        return shown

    def _shuffled(self, query: str | None) -> Sequence[int]:
        """Returns every place, in an order that the seed decides, and the query's text if any."""
        if query is None:
            return range(len(self._train))
        ranks = [_rank(self._seed, example.row, f"choice:{query}") for example in self._train]
        return sorted(range(len(ranks)), key=ranks.__getitem__)

    def _cosines(self, queries: Sequence[Example]) -> Iterable[NDArray[np.float64]]:
        """Gives every query's cosines with the training examples; zeros where nothing asks.

        One query at a time: memory stays small, and the bits do not depend on the other queries,
        as those of a matrix product may.
        """
        if not needs_encoder(self._select, self._order):
            return (np.zeros(len(self._train)) for _ in queries)
        return (_cosines(self._vectors, vector) for vector in self._encode(queries))

    @functools.cached_property
    def _texts(self) -> tuple[dict[str, int], NDArray[np.int64]]:
        """A number for every different normalised text, and the number of every place."""
        numbers: dict[str, int] = {}
        text_of = [
            numbers.setdefault(normalised(self._text(example)), len(numbers))
            for example in self._train
        ]
        return numbers, np.array(text_of, dtype=np.int64)

    def _encode(self, examples: Sequence[Example]) -> NDArray[np.float32]:
        if self._embed is None:
            raise TypeError(f"{type(self).__name__} was given no encoder")
        return unit_rows(self._embed(examples))


def _greedy(
    relevance: NDArray[np.float64],
    text_of: NDArray[np.int64],
    own: int,
    k: int,
    *,
    apart: NDArray[np.float32] | None = None,
) -> list[int]:
    """Chooses the best place again and again, each time out of the texts not shown yet.

    Args:
        relevance: Of every place, shape (places,).
        text_of: The number of every place's text, shape (places,).
        own: The number of the text that is not to be chosen.
        k: How many places.
        apart: Unit vectors, shape (places, dimensions), where similarity to the places chosen
            counts against the relevance.
    """
    left = text_of != own
    closest = np.full(len(relevance), -STEPS)
    gain = relevance
    chosen: list[int] = []
    while len(chosen) < k and left.any():
        if apart is not None:
            gain = TRADE_OFF * relevance - (1 - TRADE_OFF) * closest
        best = int(np.where(left, gain, -np.inf).argmax())
        chosen.append(best)
        left &= text_of != text_of[best]
        if apart is not None:
            closest = np.maximum(closest, _cosines(apart, apart[best]))
    return chosen


def _cosines(vectors: NDArray[np.float32], vector: NDArray[np.float32]) -> NDArray[np.float64]:
    """Returns the cosines of unit vectors in whole steps: exact to compare, add and halve."""
    return np.rint(STEPS * (vectors @ vector).astype(np.float64))


def _round_robin(places: Sequence[int], classes: Sequence[Hashable]) -> list[int]:
    """Puts the first of every class first, then the second of every class, and so on."""
    taken: Counter[Hashable] = Counter()
    turns = []
    for place, its_class in zip(places, classes, strict=True):
        turns.append((taken[its_class], place))
        taken[its_class] += 1
    return [place for _, place in sorted(turns, key=lambda item: item[0])]


def _rank(seed: int, row: int, purpose: str) -> bytes:
    return hashlib.sha256(f"{seed}:{row}:{purpose}".encode("utf-8", "surrogatepass")).digest()

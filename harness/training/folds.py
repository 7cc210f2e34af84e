"""Held-out predictions inside the label budget, and the thresholds that they decide."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Part = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Rows to learn from, and rows held out."""

GIVEN_UP = 0.02
"""Share of the rightly answered rows that a threshold for out-of-scope rows may cost."""
EVEN = 0.5


def folds(classes: Sequence[Hashable], count: int) -> Iterator[tuple[list[int], list[int]]]:
    """Yields rows to learn from and rows held out, so that every row is held out once.

    The rows of each class are dealt out in turn, so that the folds hold alike shares of it; of
    several labels the rarest decides. A row with a label that no other row has is held out from
    nobody's learning: it could not be answered.

    Args:
        classes: The class of every row, in the order of the draw: its label, or all its labels.
        count: How many folds; fewer where fewer rows can be held out.
    """
    labels = [its if isinstance(its, tuple) else (its,) for its in classes]
    frequency = Counter(itertools.chain.from_iterable(labels))
    rows_of: dict[Hashable, list[int]] = defaultdict(list)
    for row, its in enumerate(labels):
        rows_of[min(its, key=lambda label: (frequency[label], label), default=())].append(row)
    dealt = [
        row
        for rows in rows_of.values()
        for row in rows
        if all(frequency[label] > 1 for label in labels[row])
    ]
    used = min(count, len(dealt))
    fold_of = {row: place % used for place, row in enumerate(dealt)} if used > 1 else {}
    for number in range(used if fold_of else 0):
        held = [row for row in dealt if fold_of[row] == number]
        if held:
            yield [row for row in range(len(classes)) if fold_of.get(row) != number], held


def stratified(places: NDArray[np.int64], count: int, *, anchors: int = 0) -> list[Part]:
    """Returns scikit-learn's stratified folds of the first rows; the others are in none.

    Neither is a first row that is alone in its class: it could not be answered.

    Args:
        places: The class of every row, from 0.
        count: How many folds; fewer where a class has fewer of the first rows, but one.
        anchors: How many of the last rows are always learnt from.

    Returns:
        Nothing where fewer than two classes have rows for two folds.
    """
    from sklearn.model_selection import StratifiedKFold

    own = places[: len(places) - anchors]
    rows_of = np.bincount(own)
    enough = rows_of[rows_of > 1]
    if len(enough) < 2:
        return []
    dealt = np.flatnonzero(rows_of[own] > 1)
    always = np.setdiff1d(np.arange(len(places)), dealt)
    parts = StratifiedKFold(min(count, int(enough.min()))).split(dealt, own[dealt])
    return [(np.concatenate([dealt[rest], always]), dealt[held]) for rest, held in parts]


def set_threshold(probabilities: Floats, has: NDArray[np.bool_]) -> float:
    """Returns the threshold at which labels are given with the highest micro F1.

    Of equally good ones it is the one nearest to 0.5.

    Args:
        probabilities: Held-out probabilities, shape (rows, labels).
        has: Whether each row has each label, same shape.
    """
    order = np.argsort(-probabilities, axis=None, kind="stable")
    shares, right = probabilities.ravel()[order], has.ravel()[order]
    given = np.arange(1, len(shares) + 1)
    scores = 2 * right.cumsum() / (given + has.sum())
    last = np.append(shares[1:] < shares[:-1], True)  # a threshold cannot divide equals
    if not has.any() or not last.any():
        return EVEN
    scores = np.where(last, scores, -1.0)
    below = np.append(shares[1:], 0.0)
    middles = (shares + below) / 2
    best = np.flatnonzero(scores >= scores.max() - 1e-12)
    return float(middles[best[np.abs(middles[best] - EVEN).argmin()]])


def scope_threshold(highest: Floats, right: NDArray[np.bool_] | None = None) -> float:
    """Returns the confidence below which a row is taken for out of scope.

    It gives up at most ``GIVEN_UP`` of the held-out rows that are answered rightly: those that
    are answered wrongly cost nothing. (A threshold on the probability of the best class is the
    baseline of Hendrycks and Gimpel 2017 and of Larson et al. 2019, section 4.)

    Args:
        highest: The probability of the best label of held-out rows in scope, shape (rows,).
        right: Whether it was the right one; None where nobody knows.

    Returns:
        The threshold; 0, which rejects nothing, where there are no such rows.
    """
    known = highest if right is None else highest[right]
    if not len(known):
        return 0.0
    return float(np.sort(known)[int(GIVEN_UP * len(known))])

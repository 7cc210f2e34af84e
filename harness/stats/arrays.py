"""Small things done to rows of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def softmax(scores: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Returns exp(scores), each row made to add up to 1, in float64."""
    exact = scores.astype(np.float64)
    powers = np.exp(exact - exact.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float64)


def log_softmax(scores: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Returns the log of each row's softmax, in float64.

    A score of -inf stays -inf, also in a row that has no other.
    """
    exact = scores.astype(np.float64)
    totals = np.logaddexp.reduce(exact, axis=1, keepdims=True)
    return np.asarray(exact - np.where(np.isneginf(totals), 0.0, totals), dtype=np.float64)


def unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the rows divided by their lengths; a row of zeros stays one."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def spread_over_all(
    probabilities: NDArray[np.float64], seen: NDArray[np.int64], labels: int, examples: int
) -> NDArray[np.float64]:
    """Widens probabilities over the classes of a draw to all classes of the task.

    A class that the draw does not hold gets the mass of one example among ``examples`` (Laplace's
    rule for what has not been seen), so that its probability is small and not nought.

    Args:
        probabilities: Shape (rows, seen classes).
        seen: Positions of the seen classes among all.
        labels: How many classes the task has.
        examples: How many examples the draw has.
    """
    unseen = labels - len(seen)
    full = np.full((len(probabilities), labels), 1.0 / (examples + unseen))
    full[:, seen] = probabilities * (examples / (examples + unseen))  # times 1 where all are seen
    return full


def relative(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns each row divided by its largest value, so that the largest is 1."""
    return np.asarray(probabilities / probabilities.max(axis=1, keepdims=True), dtype=np.float64)


def sigmoid(scores: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Returns 1 / (1 + exp(-scores)), in float64."""
    return np.asarray(np.exp(-np.logaddexp(0.0, -scores.astype(np.float64))), dtype=np.float64)

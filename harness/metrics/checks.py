"""Arrays of predictions: how they are made, and refused where they cannot be true."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.types import Prediction
from harness.stats.intervals import FloatArray

IndexArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

SUM_TOLERANCE = 1e-3
"""How far probabilities may be from what they should be: they may have been rounded on disk."""


def probabilities_of(predictions: Sequence[Prediction], labels: int) -> FloatArray | None:
    """Returns the probabilities, NaN in a row without; None where no row has any.

    Shape: [rows, labels].

    Raises:
        ValueError: A row has not as many as there are labels.
    """
    given = [made.probabilities for made in predictions]
    if all(row is None for row in given):
        return None
    if odd := {len(row) for row in given if row is not None} - {labels}:
        raise ValueError(f"probabilities: expected {labels} in a row, got {odd.pop()}")
    absent = (np.nan,) * labels
    return np.array([absent if row is None else row for row in given], dtype=np.float64)


def membership(rows: Sequence[Iterable[str]], labels: Sequence[str]) -> BoolArray:
    """Returns which labels each row has. Shape: [rows, labels].

    Raises:
        ValueError: A row has a label that is not among ``labels``.
    """
    held = [frozenset(row) for row in rows]
    check_labels(frozenset().union(*held), labels)
    has = [[label in row for label in labels] for row in held]
    return np.array(has, dtype=np.bool_).reshape(len(held), len(labels))


def check_labels(found: Iterable[Any], labels: Collection[str]) -> None:
    """Makes sure that labels are known.

    Raises:
        ValueError: One is not.
    """
    if unknown := set(found) - set(labels):
        raise ValueError(f"expected labels out of {list(labels)}, got {sorted(map(str, unknown))}")


def check_outputs(predictions: Sequence[Prediction], kind: type, expected: str) -> None:
    """Makes sure that outputs are of the type that the task's kind has.

    Raises:
        ValueError: One is not.
    """
    for made in predictions:
        if made.output is not None and not isinstance(made.output, kind):
            raise ValueError(f"expected {expected} as outputs, got {made.output!r}")


def check_indices(
    what: str, values: IndexArray, shape: tuple[int, ...], low: int, high: int
) -> None:
    """Makes sure that values are indices from ``low`` up to, not with, ``high``.

    Raises:
        ValueError: They are not, or of another shape.
    """
    if values.shape != shape or not np.issubdtype(values.dtype, np.integer):
        raise ValueError(
            f"{what}: expected integers of shape {shape}, got {values.dtype} of {values.shape}"
        )
    if values.size and not (low <= values.min() and values.max() < high):
        raise ValueError(f"{what}: expected indices from {low} to {high - 1}")


def check_truth(what: str, values: BoolArray, shape: tuple[int, ...]) -> None:
    """Makes sure that values are truth values of a shape.

    Raises:
        ValueError: They are not.
    """
    if values.shape != shape or values.dtype != np.bool_:
        raise ValueError(
            f"{what}: expected truth values of shape {shape}, got {values.dtype} of {values.shape}"
        )


def check_probabilities(values: FloatArray, shape: tuple[int, int], *, add_up: bool) -> None:
    """Makes sure that each row is all NaN, or probabilities.

    Args:
        values: The rows.
        shape: The shape they must have.
        add_up: Whether those of a row add up to 1.

    Raises:
        ValueError: A row is neither, or the shape is another.
    """
    if values.shape != shape:
        raise ValueError(f"probabilities: expected shape {shape}, got {values.shape}")
    given = values[~np.isnan(values).all(axis=1)]
    in_range = bool(np.all((given >= -SUM_TOLERANCE) & (given <= 1 + SUM_TOLERANCE)))
    if not in_range or (add_up and np.any(np.abs(given.sum(axis=1) - 1) > SUM_TOLERANCE)):
        rule = "to add up to 1" if add_up else "to be from 0 to 1"
        raise ValueError(f"probabilities: expected each row to be all NaN, or {rule}")

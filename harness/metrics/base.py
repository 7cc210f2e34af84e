"""What a metric is given, what it must do, and the arithmetic that metrics share."""

from __future__ import annotations

import abc
import dataclasses
import functools
from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from harness.core.types import Prediction
from harness.stats.intervals import FloatArray

IndexArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

NO_ANSWER = -1
SUM_TOLERANCE = 1e-3


@dataclasses.dataclass(frozen=True, eq=False)
class Scored:
    """The predictions of one draw beside the right labels; rows out of scope already left out.

    Attributes:
        labels: The task's labels, in its order.
        gold: The right label of each row, as an index into ``labels``. Shape: [rows].
        predicted: The label given, or -1 where there is no answer (unread, or the request
            failed), which counts as wrong. Shape: [rows].
        probabilities: One a label, adding up to 1; a row of NaN where there is none; None where
            the method gives none at all. Shape: [rows, labels].

    Raises:
        ValueError: Shapes do not fit, an index is out of range, or a row of probabilities is
            neither all NaN nor a distribution (within 0.001, for values rounded on disk).
    """

    labels: tuple[str, ...]
    gold: IndexArray
    predicted: IndexArray
    probabilities: FloatArray | None = None

    def __post_init__(self) -> None:
        rows, classes = len(self.gold), len(self.labels)
        _check_indices("gold", self.gold, (rows,), 0, classes)
        _check_indices("predicted", self.predicted, (rows,), NO_ANSWER, classes)
        if self.probabilities is not None:
            _check_probabilities(self.probabilities, (rows, classes))

    @classmethod
    def from_predictions(
        cls, labels: Sequence[str], gold: Sequence[str], predictions: Sequence[Prediction]
    ) -> Self:
        """Returns the rows of a cell as arrays.

        Args:
            labels: The task's labels, in its order.
            gold: The right label of each row.
            predictions: What the method said about each row.

        Raises:
            ValueError: A label is not among ``labels``, or the lengths differ.
        """
        index = {label: position for position, label in enumerate(labels)}
        unknown = {*gold, *(p.output for p in predictions if p.output is not None)} - index.keys()
        if unknown:
            raise ValueError(f"expected labels out of {list(labels)}, got {sorted(unknown)}")
        given = [prediction.probabilities for prediction in predictions]
        absent = (np.nan,) * len(index)
        return cls(
            labels=tuple(labels),
            gold=np.array([index[label] for label in gold], dtype=np.int64),
            predicted=np.array(
                [NO_ANSWER if p.output is None else index[p.output] for p in predictions],
                dtype=np.int64,
            ),
            probabilities=np.array([absent if row is None else row for row in given])
            if any(row is not None for row in given)
            else None,
        )

    @functools.cached_property
    def class_counts(self) -> FloatArray:
        """For each label: is the row rightly given it, does it have it, was it given it (0 or 1).

        What every metric over the classes adds up: one array for all of them, so that it is
        resampled once; :func:`split_counts` takes its totals apart. Shape: [rows, 3 * labels].
        """
        classes = np.arange(len(self.labels))
        gold = self.gold[:, None] == classes
        predicted = self.predicted[:, None] == classes
        return np.hstack([gold & predicted, gold, predicted]).astype(np.float64)


class Metric(abc.ABC):
    """Per-example statistics that add up, then a pure function of their totals.

    The constructor only stores settings. The class attributes repeat the metric's line in the
    name table.
    """

    name: ClassVar[str]
    higher_is_better: ClassVar[bool | None] = True
    needs_probabilities: ClassVar[bool] = False
    per_class: ClassVar[bool] = False

    @abc.abstractmethod
    def statistics(self, scored: Scored) -> FloatArray:
        """Returns what is added up over the rows. Shape: [rows, k]."""

    @abc.abstractmethod
    def aggregate(self, totals: FloatArray) -> FloatArray:
        """Returns the metric of totals ``[..., k]``; NaN where it is undefined, never 0.

        Shape: [...], or [..., labels] for a metric that is per class.
        """


class ClassMetric(Metric):
    """A metric over the classes: what it adds up are the counts of each class."""

    def statistics(self, scored: Scored) -> FloatArray:
        """Returns the counts of each class. Shape: [rows, 3 * labels]."""
        return scored.class_counts


def split_counts(totals: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Returns rightly answered, right and given rows of each class. Shape of each: [..., labels].

    Args:
        totals: Totals of :attr:`Scored.class_counts`. Shape: [..., 3 * labels].
    """
    correct, gold, predicted = np.split(totals, 3, axis=-1)
    return correct, gold, predicted


def ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Returns a quotient of two arrays of one shape; NaN where the denominator is 0."""
    quotient = np.full(numerator.shape, np.nan)
    np.divide(numerator, denominator, out=quotient, where=denominator != 0)
    return quotient


def mean_of_defined(values: FloatArray) -> FloatArray:
    """Returns the mean over the last axis without its NaNs; NaN where there is nothing else."""
    return ratio(np.nansum(values, axis=-1), np.sum(~np.isnan(values), axis=-1, dtype=np.float64))


def rows_with_probabilities(scored: Scored) -> tuple[BoolArray, FloatArray]:
    """Returns which rows have probabilities, and those of these rows.

    A row without an answer has no probabilities, so metrics of probabilities leave it out: they
    judge the answers there are, and stand beside an accuracy that counts it as wrong.

    Shape: [rows] and [rows with probabilities, labels].

    Raises:
        ValueError: There are no probabilities at all.
    """
    if scored.probabilities is None:
        raise ValueError("this metric needs probabilities, and there are none")
    known = np.logical_not(np.isnan(scored.probabilities).any(axis=1))
    return known, scored.probabilities[known]


def _check_indices(
    what: str, values: IndexArray, shape: tuple[int, ...], low: int, high: int
) -> None:
    if values.shape != shape or not np.issubdtype(values.dtype, np.integer):
        raise ValueError(
            f"{what}: expected integers of shape {shape}, got {values.dtype} of {values.shape}"
        )
    if values.size and not (low <= values.min() and values.max() < high):
        raise ValueError(f"{what}: expected indices from {low} to {high - 1}")


def _check_probabilities(values: FloatArray, shape: tuple[int, int]) -> None:
    if values.shape != shape:
        raise ValueError(f"probabilities: expected shape {shape}, got {values.shape}")
    absent = np.isnan(values).all(axis=1)
    given = values[~absent]
    if not (
        np.all((given >= -SUM_TOLERANCE) & (given <= 1 + SUM_TOLERANCE))
        and np.all(np.abs(given.sum(axis=1) - 1) <= SUM_TOLERANCE)
    ):
        raise ValueError("probabilities: expected each row to be all NaN, or to add up to 1")

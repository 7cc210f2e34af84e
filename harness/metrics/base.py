"""What a metric is given, what it must do, and the arithmetic that metrics share."""

from __future__ import annotations

import abc
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np

from harness.metrics.checks import BoolArray
from harness.metrics.scored import Scored
from harness.stats.intervals import FloatArray


class ScoredRows(Protocol):
    """What estimates must know of the rows of a draw; see :mod:`harness.metrics.scored`."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels for which per-class metrics give a number."""

    @property
    def rows(self) -> int:
        """How many rows there are."""

    @property
    def has_probabilities(self) -> bool:
        """Whether metrics of probabilities are defined."""

    def same_rows(self, other: Any) -> bool:
        """Returns whether another draw has the same labels and right answers."""


class ClassRows(ScoredRows, Protocol):
    """Rows that have labels, one each or any number."""

    @property
    def class_counts(self) -> FloatArray:
        """For each label: is the row rightly given it, does it have it, was it given it (0 or 1).

        What every metric over the classes adds up: one array for all of them, so that it is
        resampled once; :func:`split_counts` takes its totals apart. Shape: [rows, 3 * labels].
        """


S = TypeVar("S", bound=ScoredRows)


class Metric(abc.ABC, Generic[S]):
    """Per-example statistics that add up, then a pure function of their totals.

    The constructor only stores settings. The class attributes repeat the metric's line in the
    name table. What it is given follows from the task kinds it is for: ``Scored`` where a row has
    one label or right choice, ``ScoredSets`` where it has any number of labels, ``ScoredTexts``
    where it is answered with a text, ``ScoredScope`` for a metric of the scope.
    """

    name: ClassVar[str]
    higher_is_better: ClassVar[bool | None] = True
    needs_probabilities: ClassVar[bool] = False
    per_class: ClassVar[bool] = False
    scope: ClassVar[bool] = False

    @abc.abstractmethod
    def statistics(self, scored: S) -> FloatArray:
        """Returns what is added up over the rows. Shape: [rows, k]."""

    @abc.abstractmethod
    def aggregate(self, totals: FloatArray) -> FloatArray:
        """Returns the metric of totals ``[..., k]``; NaN where it is undefined, never 0.

        Shape: [...], or [..., labels] for a metric that is per class.
        """


class ClassMetric(Metric[ClassRows]):
    """A metric over the classes: what it adds up are the counts of each class."""

    def statistics(self, scored: ClassRows) -> FloatArray:
        """Returns the counts of each class. Shape: [rows, 3 * labels]."""
        return scored.class_counts


def split_counts(totals: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Returns rightly answered, right and given rows of each class. Shape of each: [..., labels].

    Args:
        totals: Totals of :attr:`ClassRows.class_counts`. Shape: [..., 3 * labels].
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

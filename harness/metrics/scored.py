"""The predictions of one draw beside what is right: one form for each way of answering.

Each has what :class:`harness.metrics.base.ScoredRows` asks for.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np

from harness.core.types import Example, Prediction
from harness.metrics.checks import (
    BoolArray,
    IndexArray,
    check_indices,
    check_labels,
    check_outputs,
    check_probabilities,
    check_truth,
    membership,
    probabilities_of,
)
from harness.stats.intervals import FloatArray

NO_ANSWER = -1


class _LabelRows:
    """What rows with one label and rows with several have in common."""

    labels: tuple[str, ...]
    gold: IndexArray | BoolArray
    probabilities: FloatArray | None

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.gold)

    @property
    def has_probabilities(self) -> bool:
        """Whether the method gives any."""
        return self.probabilities is not None

    def same_rows(self, other: Self) -> bool:
        """Returns whether another draw has the same labels and right answers."""
        return self.labels == other.labels and np.array_equal(self.gold, other.gold)


@dataclasses.dataclass(frozen=True, eq=False)
class Scored(_LabelRows):
    """Rows with one label each, or one right choice; rows out of scope already left out.

    Attributes:
        labels: The task's labels, in its order; of multiple choice the letters.
        gold: The right label of each row, as an index into ``labels``. Shape: [rows].
        predicted: The label given, or -1 where none of them is: unread, the request failed, or
            taken for out of scope; it counts as wrong. Shape: [rows].
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
        check_indices("gold", self.gold, (rows,), 0, classes)
        check_indices("predicted", self.predicted, (rows,), NO_ANSWER, classes)
        if self.probabilities is not None:
            check_probabilities(self.probabilities, (rows, classes), add_up=True)

    @classmethod
    def from_predictions(
        cls,
        labels: Sequence[str],
        gold: Sequence[str],
        predictions: Sequence[Prediction],
        *,
        out_of_scope: str | None = None,
    ) -> Self:
        """Returns the rows of a cell as arrays.

        Args:
            labels: The task's labels, in its order.
            gold: The right label of each row.
            predictions: What the method said about each row.
            out_of_scope: An output that stands for none of the labels.

        Raises:
            ValueError: A label is not among ``labels``, or the lengths differ.
        """
        index: dict[Any, int] = {label: place for place, label in enumerate(labels)}
        nothing = {None, out_of_scope} - index.keys()
        given = [made.output for made in predictions]
        check_labels({*gold, *given} - nothing, labels)
        places = [NO_ANSWER if output in nothing else index[output] for output in given]
        return cls(
            labels=tuple(labels),
            gold=np.array([index[label] for label in gold], dtype=np.int64),
            predicted=np.array(places, dtype=np.int64),
            probabilities=probabilities_of(predictions, len(labels)),
        )

    @functools.cached_property
    def class_counts(self) -> FloatArray:
        """See :class:`harness.metrics.base.ClassRows`. Shape: [rows, 3 * labels]."""
        classes = np.arange(len(self.labels))
        gold = self.gold[:, None] == classes
        predicted = self.predicted[:, None] == classes
        return np.hstack([gold & predicted, gold, predicted]).astype(np.float64)


@dataclasses.dataclass(frozen=True, eq=False)
class ScoredSets(_LabelRows):
    """Rows with any number of labels.

    Attributes:
        labels: The task's labels, in its order.
        gold: Whether a row has a label. Shape: [rows, labels].
        predicted: Whether it was given it; nowhere in a row without an answer.
            Shape: [rows, labels].
        answered: Whether there is an answer; one without any label is one. Shape: [rows].
        probabilities: One a label, each from 0 to 1; a row of NaN where there is none; None
            where the method gives none at all. Shape: [rows, labels].

    Raises:
        ValueError: Shapes do not fit, or a probability is out of range.
    """

    labels: tuple[str, ...]
    gold: BoolArray
    predicted: BoolArray
    answered: BoolArray
    probabilities: FloatArray | None = None

    def __post_init__(self) -> None:
        shape = (len(self.answered), len(self.labels))
        check_truth("gold", self.gold, shape)
        check_truth("predicted", self.predicted, shape)
        check_truth("answered", self.answered, shape[:1])
        if self.predicted[~self.answered].any():
            raise ValueError("predicted: expected no label in a row without an answer")
        if self.probabilities is not None:
            check_probabilities(self.probabilities, shape, add_up=False)

    @classmethod
    def from_predictions(
        cls,
        labels: Sequence[str],
        gold: Sequence[Sequence[str]],
        predictions: Sequence[Prediction],
    ) -> Self:
        """Returns the rows of a cell as arrays.

        Raises:
            ValueError: A label is not among ``labels``, an output is no tuple, or the lengths
                differ.
        """
        check_outputs(predictions, tuple, "tuples of labels")
        return cls(
            labels=tuple(labels),
            gold=membership(gold, labels),
            predicted=membership([made.output or () for made in predictions], labels),
            answered=np.array([made.output is not None for made in predictions], dtype=np.bool_),
            probabilities=probabilities_of(predictions, len(labels)),
        )

    @functools.cached_property
    def class_counts(self) -> FloatArray:
        """See :class:`harness.metrics.base.ClassRows`. Shape: [rows, 3 * labels]."""
        parts = [self.gold & self.predicted, self.gold, self.predicted]
        return np.hstack(parts).astype(np.float64)


@dataclasses.dataclass(frozen=True, eq=False)
class ScoredTexts:
    """Rows answered with a text.

    Attributes:
        golds: For each row the answers that count as right, at least one; an empty text stands
            for "there is none".
        outputs: The answer given; None where there is none, which counts as wrong.

    Raises:
        ValueError: The lengths differ, or a row has no right answer.
    """

    golds: tuple[tuple[str, ...], ...]
    outputs: tuple[str | None, ...]
    labels: ClassVar[tuple[str, ...]] = ()
    has_probabilities: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if len(self.golds) != len(self.outputs):
            raise ValueError(f"expected {len(self.golds)} outputs, got {len(self.outputs)}")
        if not all(self.golds):
            raise ValueError("golds: expected at least one right answer a row")

    @classmethod
    def from_predictions(
        cls, golds: Sequence[Sequence[str]], predictions: Sequence[Prediction]
    ) -> Self:
        """Returns the rows of a cell.

        Raises:
            ValueError: An output is no text, or the lengths differ.
        """
        check_outputs(predictions, str, "texts")
        outputs: list[Any] = [made.output for made in predictions]
        return cls(tuple(map(tuple, golds)), tuple(outputs))

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.golds)

    def same_rows(self, other: Self) -> bool:
        """Returns whether another draw has the same right answers."""
        return self.golds == other.golds


@dataclasses.dataclass(frozen=True, eq=False)
class ScoredScope:
    """All rows of a task: which are out of scope, and which were taken for it.

    Attributes:
        outside: Whether a row is out of scope. Shape: [rows].
        rejected: Whether the method said so; a row without an answer was not. Shape: [rows].

    Raises:
        ValueError: Shapes do not fit.
    """

    outside: BoolArray
    rejected: BoolArray
    labels: ClassVar[tuple[str, ...]] = ()
    has_probabilities: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_truth("outside", self.outside, (len(self.outside),))
        check_truth("rejected", self.rejected, (len(self.outside),))

    @classmethod
    def from_predictions(
        cls,
        out_of_scope: str | None,
        examples: Sequence[Example],
        predictions: Sequence[Prediction],
    ) -> Self:
        """Returns all rows of a cell; none is outside where no label stands for that."""
        names = {out_of_scope} - {None}
        outside = [example.target in names for example in examples]
        rejected = [made.output in names for made in predictions]
        return cls(np.array(outside, dtype=np.bool_), np.array(rejected, dtype=np.bool_))

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.outside)

    def same_rows(self, other: Self) -> bool:
        """Returns whether the same rows of another draw are outside."""
        return np.array_equal(self.outside, other.outside)

"""What methods share that give every class of an item a probability."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from harness.core.settings import settings
from harness.core.types import Example, Prediction
from harness.methods.base import Method
from harness.methods.lessons import LABEL_EXAMPLES, Lessons, lessons_of
from harness.stats.arrays import unit_rows
from harness.tasks.kinds.base import Item
from harness.training.folds import folds
from harness.training.heads import Head, fit_head

Floats = NDArray[np.float64]

THRESHOLD = (
    "the probability that a label must reach: each label of a row with several, the best label of "
    "a row that may be out of scope; chosen inside the budget when absent"
)


@settings
class Classifier(Method):
    """Learns from the whole budget; a threshold, where one is needed, from held-out parts of it.

    The method is fitted again without each of ``hold_outs`` parts of the budget, and what it says
    of these decides the threshold.
    """

    hold_outs: ClassVar[int] = 5
    hold_outs_used: ClassVar[int] = 5

    threshold: Annotated[float | None, Field(ge=0, le=1, description=THRESHOLD)] = None
    label_examples: Annotated[int, Field(ge=0, le=1000, description=LABEL_EXAMPLES)] = 2

    @abc.abstractmethod
    def train(self, examples: Sequence[Example]) -> None:
        """Learns from labelled examples."""

    @abc.abstractmethod
    def probabilities(self, examples: Sequence[Example]) -> Floats:
        """Returns the probabilities of every item's classes, shape (items, classes)."""

    def learn(self, train: Sequence[Example], unlabelled: Sequence[Example]) -> None:
        """Chooses the threshold, where the task needs one, and learns from everything."""
        self.threshold_ = self.threshold
        if self.threshold is None:
            self.threshold_ = self._choose_threshold(train)
        self.train(train)

    def predict(self, examples: Sequence[Example]) -> list[Prediction]:
        """Returns what the task's kind makes of the probabilities."""
        return self.decide(self.probabilities(examples), examples, self.threshold_)

    def lessons(self, examples: Sequence[Example]) -> Lessons:
        """Returns what there is to learn of labelled examples."""
        return lessons_of(self.context_, examples, self.label_examples)

    @property
    def unused(self) -> frozenset[str]:
        """What is done without: the words of the labels, where they count as no example."""
        return frozenset() if self.label_examples else frozenset({"label_words"})

    def _choose_threshold(self, train: Sequence[Example]) -> float | None:
        if not self.context_.rules.needs_threshold:
            return None
        held, probabilities = self._held_out(train)
        return self.choose_threshold(probabilities, held)

    def _held_out(self, train: Sequence[Example]) -> tuple[list[Example], Floats]:
        """Returns held-out examples and their probabilities, shape (examples, classes)."""
        held: list[Example] = []
        found: list[Floats] = []
        parts = folds([example.target for example in train], self.hold_outs)
        for number, (rest, out) in enumerate(parts):
            if number == self.hold_outs_used:
                break
            copy = type(self)(**self.stored_settings())
            copy.context_ = self.context_
            copy.train([train[row] for row in rest])
            held += [train[row] for row in out]
            found.append(copy.probabilities([train[row] for row in out]))
        return held, np.concatenate(found) if found else np.empty((0, self.context_.classes))


@settings
class EmbeddingClassifier(Classifier):
    """A classifier of the encoder's vectors, which stay as they are.

    Attributes:
        whole_pairs: Whether the vector of two texts holds their embeddings too; see
            :meth:`vectors`.
    """

    whole_pairs: ClassVar[bool] = False

    def train(self, examples: Sequence[Example]) -> None:
        """Embeds the budget and fits the classifier of vectors."""
        lessons = self.lessons(examples)
        self.head_ = self.fit_vectors(
            self.vectors(lessons.items), lessons.targets, anchors=lessons.words
        )

    def probabilities(self, examples: Sequence[Example]) -> Floats:
        """Returns the probabilities of every item's classes, shape (items, classes)."""
        found: Floats = self.head_.probabilities(
            self.vectors(self.context_.items(examples)), self.context_.classes
        )
        return found

    @abc.abstractmethod
    def head(self) -> Head:
        """Returns a classifier of vectors that has learnt nothing yet."""

    def fit_vectors(
        self, vectors: NDArray[np.float32], targets: NDArray[Any], *, anchors: int
    ) -> Any:
        """Returns a fitted classifier of vectors; see :func:`.fit_head`."""
        return fit_head(self.head, vectors, targets, anchors=anchors)

    def vectors(self, items: Sequence[Item]) -> NDArray[np.float32]:
        """Returns a vector for every item, shape (items, dimensions).

        Of one text it is the embedding u; of two it is made of |u - v| and u * v, to which
        ``whole_pairs`` adds u and v themselves (Conneau et al. 2017, "Supervised Learning
        of Universal Sentence Representations", section 3.1).
        """
        texts = [text for item in items for text in item]
        values = self.encoder.encode(texts).values
        if not items or len(items[0]) == 1:
            return values
        pairs = unit_rows(values).reshape(len(items), 2, -1)
        first, second = pairs[:, 0], pairs[:, 1]
        parts = [np.abs(first - second), first * second]
        return np.hstack(([first, second] if self.whole_pairs else []) + parts)

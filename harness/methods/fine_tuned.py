"""What the methods share that train an encoder with a cosine classifier on top."""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from harness.core.settings import settings
from harness.core.types import Example
from harness.methods.trained import TrainedEncoder
from harness.models.derived import is_from_scratch
from harness.stats.arrays import sigmoid, softmax, unit_rows
from harness.training.attempts import Attempt
from harness.training.backbone import Backbone
from harness.training.cosine import CosineClassifier
from harness.training.folds import folds
from harness.training.loop import Recipe


class Usual(NamedTuple):
    """What is trained with where a user gives nothing: passes over the budget, and peak rate."""

    epochs: int
    rate: float


PRETRAINED = Usual(5, 1e-4)
ANEW = Usual(40, 3e-4)
"""Of a network that has learnt nothing; chosen on a training pool, see docs/benchmarks.md."""
TAUGHT_EPOCHS = 2
"""Passes over the budget and guesses of self-training, which are more than the budget alone."""
PASSES = (
    f"passes over the budget, at least; absent: {PRETRAINED.epochs}, of a network with random "
    f"weights {ANEW.epochs}"
)
PEAK = (
    f"peak rate of the encoder; absent: {PRETRAINED.rate:g}, of a network with random weights "
    f"{ANEW.rate:g}"
)
WEIGHTS = (
    "what a class counts: `balanced` gives all classes the same weight, however frequent; where "
    "rows may have several labels, having a label the same weight as not having it"
)
VALIDATION = (
    "about the share of the budget held out to choose the best epoch by; absent: train on all of it"
)


@settings
class FineTuned(TrainedEncoder):
    """Trains weights by a fixed recipe, so no label of the budget need be spent on validation.

    The head is a cosine classifier that starts from the class means of the frozen encoder; a class
    of which nothing is learnt starts from its words. Two texts are read as one, with the model's
    separator between them. Where a threshold is needed, a quarter
    of the budget is held out once to choose it, and then everything is trained on.
    """

    hold_outs: ClassVar[int] = 4
    hold_outs_used: ClassVar[int] = 1

    epochs: Annotated[int | None, Field(gt=0, description=PASSES)] = None
    min_steps: Annotated[int, Field(ge=0, description="optimiser steps, at least")] = 40
    batch_size: Annotated[int, Field(gt=0, description="examples a step")] = 16
    learning_rate: Annotated[float | None, Field(gt=0, description=PEAK)] = None
    head_rate: Annotated[float, Field(gt=0, description="peak rate of the head")] = 2e-3
    scale: Annotated[float, Field(gt=0, le=1e4, description="what cosines are multiplied by")] = (
        16.0
    )
    class_weights: Annotated[Literal["none", "balanced"], Field(description=WEIGHTS)] = "none"
    validation: Annotated[float | None, Field(gt=0, le=0.5, description=VALIDATION)] = None

    @property
    def unused(self) -> frozenset[str]:
        """Nothing: a class without examples starts from its words."""
        return frozenset()

    @abc.abstractmethod
    def choose_weights(self, encoder: Any) -> Callable[[], None]:
        """Says which of the encoder's weights are trained; returns what to do afterwards."""

    def train_once(self, examples: Sequence[Example], now: Attempt) -> Backbone:
        """Trains a fresh copy of the encoder."""
        backbone = self.fresh(now)
        lessons = self.lessons(examples)
        texts, targets = self.texts(lessons.items), lessons.targets
        kept, held = self._set_apart(examples)
        kept += range(len(texts) - lessons.words, len(texts))
        weights = self._weights(targets[kept])
        start = self._start([texts[row] for row in kept], targets[kept])
        finish = self.choose_weights(backbone.encoder)
        self.classifier_ = CosineClassifier(backbone, start, scale=self.scale).fit(
            [texts[row] for row in kept],
            targets[kept],
            recipe=self._recipe(now),
            seed=self.context_.seed,
            weights=weights,
            held=([texts[row] for row in held], targets[held]) if held else None,
        )
        finish()
        return backbone

    def probabilities(self, examples: Sequence[Example]) -> NDArray[np.float64]:
        """Returns the softmax of the scaled cosines; of several labels, each by itself."""
        scores = self.classifier_.scores(self.texts(self.context_.items(examples)))
        self.charge()
        return sigmoid(scores) if self.context_.rules.answer == "labels" else softmax(scores)

    def _recipe(self, now: Attempt) -> Recipe:
        usual = usual_training(self.encoder.identity)
        return Recipe(
            epochs=self.epochs or usual.epochs,
            min_steps=self.min_steps,
            batch_size=self.batch_size,
            learning_rate=now.rate * (self.learning_rate or usual.rate),
            head_rate=now.rate * self.head_rate,
        )

    def _set_apart(self, examples: Sequence[Example]) -> tuple[list[int], list[int]]:
        """Returns the items to train on, and those to choose the best epoch by.

        The choices of one question stay together.
        """
        items = self.context_.rules.items
        rows = [row for row, example in enumerate(examples) for _ in items(example)]
        out: set[int] = set()
        if self.validation:
            parts = folds([example.target for example in examples], round(1 / self.validation))
            out = set(next(parts, ([], []))[1])
            if not out:
                note = "too few classes have two examples: none was held out for validation"
                self.context_.meter.note(note)
        kept = [item for item, row in enumerate(rows) if row not in out]
        return kept, [item for item, row in enumerate(rows) if row in out]

    def _weights(self, targets: NDArray[Any]) -> NDArray[np.float32] | None:
        """Returns the weight of each class: the rarer it is, the larger."""
        if self.class_weights == "none":
            return None
        counts = self._has(targets).sum(axis=0)
        if self.context_.rules.answer == "labels":
            lacking = len(targets) - counts
            balanced = np.where(counts * lacking > 0, lacking / np.maximum(counts, 1), 1)
            return np.asarray(balanced, dtype=np.float32)
        even = counts.sum() / np.count_nonzero(counts)
        return np.asarray(even / np.maximum(counts, 1), dtype=np.float32)

    def _has(self, targets: NDArray[Any]) -> NDArray[np.bool_]:
        """Returns whether each row has each class, shape (rows, classes)."""
        classes = np.arange(self.context_.classes)
        return np.asarray(targets if targets.ndim > 1 else targets[:, None] == classes, dtype=bool)

    def _start(self, texts: Sequence[str], targets: NDArray[Any]) -> NDArray[np.float32]:
        """Returns the first class vectors, shape (classes, dimensions)."""
        vectors = unit_rows(self.encoder.encode(texts).values)
        has = self._has(targets)
        start = np.zeros((self.context_.classes, vectors.shape[1]), dtype=np.float32)
        if self.context_.rules.answer != "choice":
            words = [label.words for label in self.context_.labels]
            start = unit_rows(self.encoder.encode(words).values)
        for place in np.flatnonzero(has.any(axis=0)):
            start[place] = vectors[has[:, place]].mean(axis=0)
        return unit_rows(start)


def taught_epochs(identity: str) -> int | None:
    """Returns how often self-training passes over guesses; None where its base says how often."""
    return None if is_from_scratch(identity) else TAUGHT_EPOCHS


def usual_training(identity: str) -> Usual:
    """Returns how an encoder of this identity is trained where a user gives nothing."""
    return ANEW if is_from_scratch(identity) else PRETRAINED

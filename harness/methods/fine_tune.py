"""Fine-tuning: all weights of the encoder, with a classification head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from harness.core.types import Cost, Example
from harness.methods.base import settings
from harness.methods.classifier import Classifier
from harness.stats.arrays import sigmoid, softmax, unit_rows
from harness.training.classifier import CosineClassifier, Recipe


@settings
class FineTune(Classifier):
    """Trains every weight by a fixed recipe, so no label of the budget is spent on validation.

    The head is a cosine classifier that starts from the class means of the frozen encoder; a
    class that the draw does not hold starts from its name. Two texts are read as one, with the
    model's separator between them. Where a threshold is needed, a quarter of the budget is held
    out once to choose it, and then everything is trained on.
    """

    hold_outs: ClassVar[int] = 4
    hold_outs_used: ClassVar[int] = 1

    epochs: Annotated[int, Field(gt=0, description="passes over the budget, at least")] = 6
    min_steps: Annotated[int, Field(ge=0, description="optimiser steps, at least")] = 40
    batch_size: Annotated[int, Field(gt=0, description="examples a step")] = 16
    learning_rate: Annotated[float, Field(gt=0, description="peak rate of the encoder")] = 1e-4
    head_rate: Annotated[float, Field(gt=0, description="peak rate of the head")] = 1e-2
    scale: Annotated[float, Field(gt=0, le=1e4, description="what cosines are multiplied by")] = (
        16.0
    )

    def train(self, examples: Sequence[Example]) -> None:
        """Trains a fresh copy of the encoder."""
        context = self.context_
        targets = context.targets(examples)
        recipe = Recipe(
            epochs=self.epochs,
            min_steps=self.min_steps,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            head_rate=self.head_rate,
            scale=self.scale,
        )
        encoder = self.encoder.load()
        self.separator_ = separator(encoder.tokenizer)
        texts = self._texts(examples)
        start = self._start(texts, targets)
        self.classifier_ = CosineClassifier(encoder, start, recipe=recipe, seed=context.seed)
        self.classifier_.fit(texts, targets)
        self._charge()

    def probabilities(self, examples: Sequence[Example]) -> NDArray[np.float64]:
        """Returns the softmax of the scaled cosines; of several labels, each by itself."""
        scores = self.classifier_.scores(self._texts(examples))
        self._charge()
        return sigmoid(scores) if self.context_.rules.answer == "labels" else softmax(scores)

    def _texts(self, examples: Sequence[Example]) -> list[str]:
        return [self.separator_.join(item) for item in self.context_.items(examples)]

    def _charge(self) -> None:
        """Charges the tokens; the seconds are the cell's own."""
        self.context_.meter.add(Cost(0.0, self.classifier_.tokens_run))
        self.classifier_.tokens_run = 0

    def _start(self, texts: Sequence[str], targets: NDArray[Any]) -> NDArray[np.float32]:
        """Returns the first class vectors, shape (classes, dimensions)."""
        vectors = unit_rows(self.encoder.encode(texts).values)
        classes = np.arange(self.context_.classes)
        has = targets if targets.ndim > 1 else targets[:, None] == classes
        start = np.zeros((len(classes), vectors.shape[1]), dtype=np.float32)
        if self.context_.rules.answer != "choice":
            names = [label.verbalizer for label in self.context_.labels]
            start = unit_rows(self.encoder.encode(names).values)
        for place in np.flatnonzero(has.any(axis=0)):
            start[place] = vectors[has[:, place]].mean(axis=0)
        return unit_rows(start)


def separator(tokenizer: Any) -> str:
    """Returns what stands between two texts that a model reads as one."""
    return f" {tokenizer.sep_token} " if tokenizer.sep_token else "\n"

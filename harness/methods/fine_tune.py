"""Fine-tuning: all weights of the encoder, with a classification head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from harness.core.types import Cost, Example, Prediction
from harness.methods.base import Method, settings, to_predictions
from harness.stats.arrays import softmax, unit_rows
from harness.training.classifier import CosineClassifier, Recipe


@settings
class FineTune(Method):
    """Trains every weight by a fixed recipe, so no label of the budget is spent on validation.

    The head is a cosine classifier that starts from the class means of the frozen encoder; a
    class that the draw does not hold starts from its name.
    """

    epochs: Annotated[int, Field(gt=0, description="passes over the budget, at least")] = 6
    min_steps: Annotated[int, Field(ge=0, description="optimiser steps, at least")] = 40
    batch_size: Annotated[int, Field(gt=0, description="examples a step")] = 16
    learning_rate: Annotated[float, Field(gt=0, description="peak rate of the encoder")] = 1e-4
    head_rate: Annotated[float, Field(gt=0, description="peak rate of the head")] = 1e-2
    scale: Annotated[float, Field(gt=0, le=1e4, description="what cosines are multiplied by")] = (
        16.0
    )

    def learn(self, train: Sequence[Example], unlabelled: Sequence[Example]) -> None:
        """Trains a fresh copy of the encoder."""
        context = self.context_
        targets = context.targets(train)
        recipe = Recipe(
            epochs=self.epochs,
            min_steps=self.min_steps,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            head_rate=self.head_rate,
            scale=self.scale,
        )
        start = self._start(train, targets)
        self.classifier_ = CosineClassifier(
            self.encoder.load(), start, recipe=recipe, seed=context.seed
        )
        self.classifier_.fit(context.texts(train), targets)
        self._charge()

    def predict(self, examples: Sequence[Example]) -> list[Prediction]:
        """Returns the softmax of the scaled cosines."""
        scores = self.classifier_.scores(self.context_.texts(examples))
        self._charge()
        return to_predictions(softmax(scores), self.context_.labels)

    def _charge(self) -> None:
        """Charges the tokens; the seconds are the cell's own."""
        self.context_.meter.add(Cost(0.0, self.classifier_.tokens_run))
        self.classifier_.tokens_run = 0

    def _start(self, train: Sequence[Example], targets: NDArray[np.int64]) -> NDArray[np.float32]:
        """Returns the first class vectors, shape (labels, dimensions)."""
        vectors = unit_rows(self.embed(train))
        names = [label.verbalizer for label in self.context_.labels]
        start = unit_rows(self.encoder.encode(names).values)
        for place in np.unique(targets):
            start[place] = vectors[targets == place].mean(axis=0)
        return unit_rows(start)

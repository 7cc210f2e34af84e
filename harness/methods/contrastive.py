"""Fine-tuning: texts of one class are drawn together, then a linear classifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from harness.core.settings import settings
from harness.core.types import Example
from harness.methods.trained import TrainedEncoder
from harness.training.attempts import Attempt
from harness.training.backbone import Backbone
from harness.training.contrastive import fit_contrastive
from harness.training.heads import fit_head
from harness.training.logistic import LogisticHead
from harness.training.loop import Recipe


@settings
class Contrastive(TrainedEncoder):
    """Trains the encoder with a contrastive loss, then logistic regression on its embeddings.

    The two stages of SetFit (Tunstall et al. 2022, "Efficient Few-Shot Learning Without
    Prompts"), with the supervised contrastive loss over a batch in place of pairs.
    """

    hold_outs: ClassVar[int] = 4
    hold_outs_used: ClassVar[int] = 1

    epochs: Annotated[int, Field(gt=0, description="passes over the budget, at least")] = 6
    min_steps: Annotated[int, Field(ge=0, description="optimiser steps, at least")] = 40
    batch_size: Annotated[int, Field(gt=1, description="examples a step")] = 64
    learning_rate: Annotated[float, Field(gt=0, description="peak rate of the encoder")] = 1e-4
    temperature: Annotated[float, Field(gt=0, description="what cosines are divided by")] = 0.1
    C: Annotated[
        float, Field(gt=0, description="inverse L2 strength of the logistic regression")
    ] = 10.0

    def train_once(self, examples: Sequence[Example], now: Attempt) -> Backbone:
        """Trains a fresh copy of the encoder, and a linear classifier of what it gives."""
        backbone = self.fresh(now)
        lessons = self.lessons(examples)
        texts, targets = self.texts(lessons.items), lessons.targets
        recipe = Recipe(
            epochs=self.epochs,
            min_steps=self.min_steps,
            batch_size=self.batch_size,
            learning_rate=now.rate * self.learning_rate,
        )
        several = targets.ndim > 1  # labels a row, as truth values
        sizes = targets.sum(axis=0) if several else np.unique(targets, return_counts=True)[1]
        if sizes.max() > 1:
            fit_contrastive(
                backbone,
                texts,
                targets,
                recipe=recipe,
                temperature=self.temperature,
                seed=self.context_.seed,
            )
        else:
            self.context_.meter.note("no class has two examples: the encoder was not trained")
        self.head_ = fit_head(self._head, backbone.run(texts), targets, anchors=lessons.words)
        return backbone

    def probabilities(self, examples: Sequence[Example]) -> NDArray[np.float64]:
        """Returns the probabilities of every item's classes, shape (items, classes)."""
        vectors = self.backbone_.run(self.texts(self.context_.items(examples)))
        self.charge()
        found: Any = self.head_.probabilities(vectors, self.context_.classes)
        return np.asarray(found, dtype=np.float64)

    def _head(self) -> LogisticHead:
        return LogisticHead(strength=self.C, max_iter=1000)

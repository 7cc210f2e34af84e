"""What the methods share that train a copy of the encoder."""

from __future__ import annotations

import abc
import gc
from collections.abc import Sequence
from typing import Any

from harness.core.settings import settings
from harness.core.types import Cost, Example
from harness.methods.classifier import Classifier
from harness.tasks.kinds.base import Item
from harness.training.attempts import Attempt, attempt, save_memory
from harness.training.backbone import Backbone


@settings
class TrainedEncoder(Classifier):
    """A classifier whose encoder is its own; two texts are read as one."""

    @abc.abstractmethod
    def train_once(self, examples: Sequence[Example], now: Attempt) -> Backbone:
        """Trains a fresh copy of the encoder, and what stands on top of it.

        Raises:
            DivergedError: The loss stopped being a number; it is then tried at a smaller rate.
        """

    def train(self, examples: Sequence[Example]) -> None:
        """Trains, again and more carefully where it diverges or memory runs short."""
        self.backbone_ = attempt(
            lambda now: self.train_once(examples, now), self.context_.meter.note
        )
        self.charge()

    def fresh(self, now: Attempt) -> Backbone:
        """Returns a fresh copy of the encoder to train."""
        if "backbone_" in vars(self):  # of an attempt that failed
            self.charge()
        for name in ("backbone_", "classifier_"):  # it is not kept in memory
            vars(self).pop(name, None)
        gc.collect()  # nor are those of other cells, which are in reference cycles
        encoder = self.encoder.load()
        self.separator_ = separator(encoder.tokenizer)
        save_memory(encoder, now)
        self.backbone_ = Backbone(encoder)
        return self.backbone_

    def texts(self, items: Sequence[Item]) -> list[str]:
        """Returns each item as one text."""
        return [self.separator_.join(item) for item in items]

    def charge(self) -> None:
        """Charges what the encoder ran; the seconds are the cell's own."""
        meter = self.context_.meter
        meter.add(Cost(0.0, self.backbone_.tokens_run))
        meter.shortened += self.backbone_.shortened
        self.backbone_.tokens_run = self.backbone_.shortened = 0


def separator(tokenizer: Any) -> str:
    """Returns what stands between two texts that a model reads as one."""
    return f" {tokenizer.sep_token} " if tokenizer.sep_token else "\n"

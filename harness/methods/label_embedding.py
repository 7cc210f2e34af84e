"""Zero-shot: the nearest label name or description."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from harness.core.types import Example, Label, Prediction
from harness.methods.base import Method, settings, to_predictions
from harness.stats.arrays import softmax, unit_rows


@settings
class LabelEmbedding(Method):
    """Embeds what each label is called or means, and takes the nearest by cosine. No training."""

    text: Annotated[
        Literal["names", "descriptions", "both"],
        Field(description="what stands for a label; a label without a description has its name"),
    ] = "both"
    scale: Annotated[
        float, Field(gt=0, le=1e4, description="what cosines are multiplied by before the softmax")
    ] = 20.0

    def learn(self, train: Sequence[Example], unlabelled: Sequence[Example]) -> None:
        """Embeds the labels; the examples are not looked at."""
        texts = [self._text(label) for label in self.context_.labels]
        self.vectors_ = unit_rows(self.encoder.encode(texts).values)

    def predict(self, examples: Sequence[Example]) -> list[Prediction]:
        """Returns the softmax of the scaled cosines."""
        cosines = unit_rows(self.embed(examples)) @ self.vectors_.T
        return to_predictions(softmax(self.scale * cosines), self.context_.labels)

    def _text(self, label: Label) -> str:
        if not label.description or self.text == "names":
            return label.verbalizer
        if self.text == "descriptions":
            return label.description
        return f"{label.verbalizer}: {label.description}"

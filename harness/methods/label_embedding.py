"""Zero-shot: the nearest label name or description, or the nearest choice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from harness.core.settings import settings
from harness.core.types import Example, Label, Prediction
from harness.methods.base import Method
from harness.stats.arrays import relative, softmax, unit_rows


@settings
class LabelEmbedding(Method):
    """Embeds what each label is called or means, and takes the nearest by cosine. No training.

    Of a multiple-choice row it takes the choice nearest to the question; of a row with several
    labels, all that are ``threshold`` times as likely as the nearest.
    """

    text: Annotated[
        Literal["names", "descriptions", "both"],
        Field(description="what stands for a label; a label without a description has its name"),
    ] = "both"
    scale: Annotated[
        float, Field(gt=0, le=1e4, description="what cosines are multiplied by before the softmax")
    ] = 20.0
    threshold: Annotated[
        float | None,
        Field(ge=0, le=1, description="rows with several labels: share of the likeliest label's "
              "probability that others must reach, 0.5 when absent; rows that may be out of scope: "
              "probability of the best label, none when absent"),
    ] = None  # fmt: skip

    def learn(self, train: Sequence[Example], unlabelled: Sequence[Example]) -> None:
        """Embeds the labels; the examples are not looked at."""
        if self.context_.rules.answer != "choice":
            texts = [self._text(label) for label in self.context_.labels]
            self.vectors_ = unit_rows(self.encoder.encode(texts).values)

    def predict(self, examples: Sequence[Example]) -> list[Prediction]:
        """Returns the softmax of the scaled cosines."""
        if self.context_.rules.answer == "choice":
            return self.decide(softmax(self.scale * self._of_choices(examples)), examples)
        cosines = unit_rows(self.embed(examples)) @ self.vectors_.T
        probabilities = softmax(self.scale * cosines)
        if self.context_.rules.answer == "labels":
            probabilities = relative(probabilities)
        return self.decide(probabilities, examples, self.threshold)

    def _of_choices(self, examples: Sequence[Example]) -> NDArray[np.float32]:
        """Returns each choice's cosine with its question, -inf past a row's last choice.

        Shape: (examples, labels).
        """
        items = self.context_.items(examples)
        vectors = unit_rows(self.encoder.encode([text for item in items for text in item]).values)
        cosines = np.einsum("ij,ij->i", vectors[0::2], vectors[1::2])
        found = np.full((len(examples), len(self.context_.labels)), -np.inf, dtype=np.float32)
        start = 0
        for place, example in enumerate(examples):
            end = start + len(example.choices)
            found[place, : end - start] = cosines[start:end]
            start = end
        return found

    def _text(self, label: Label) -> str:
        if not label.description or self.text == "names":
            return label.verbalizer
        if self.text == "descriptions":
            return label.description
        return label.words

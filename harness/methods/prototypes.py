"""Feature extraction: the nearest class mean."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from harness.core.settings import settings
from harness.methods.classifier import EmbeddingClassifier
from harness.training.prototypes import PrototypeHead


@settings
class Prototypes(EmbeddingClassifier):
    """Each class is the mean of its examples' embeddings; the nearest by cosine wins.

    Snell, Swersky and Zemel 2017, "Prototypical Networks for Few-shot Learning", with cosine
    similarity in place of Euclidean distance and no training.
    """

    scale: Annotated[
        float, Field(gt=0, le=1e4, description="what cosines are multiplied by before the softmax")
    ] = 20.0

    def head(self) -> PrototypeHead:
        """Returns the class means, still empty."""
        return PrototypeHead(scale=self.scale)

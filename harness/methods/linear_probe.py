"""Feature extraction: a linear classifier on a frozen encoder."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from harness.core.settings import settings
from harness.methods.classifier import EmbeddingClassifier
from harness.training.logistic import LogisticHead


@settings
class LinearProbe(EmbeddingClassifier):
    """Logistic regression on the encoder's embeddings.

    With ``C`` given it is exactly scikit-learn's ``LogisticRegression`` with these settings;
    without, the strength is chosen by cross-validation inside the budget.
    """

    C: Annotated[
        float | None,
        Field(gt=0, description="inverse L2 strength; chosen inside the budget when absent"),
    ] = None
    max_iter: Annotated[int, Field(gt=0, description="iterations of the solver")] = 1000
    seed: Annotated[int, Field(ge=0, lt=2**32, description="scikit-learn's random_state")] = 0

    whole_pairs: ClassVar[bool] = True

    def head(self) -> LogisticHead:
        """Returns the logistic regression."""
        return LogisticHead(strength=self.C, max_iter=self.max_iter, seed=self.seed)

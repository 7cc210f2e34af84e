"""Feature extraction: a linear classifier on a frozen encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from harness.core.types import Example, Prediction
from harness.methods.base import Method, settings, to_predictions
from harness.training.logistic import LogisticHead


@settings
class LinearProbe(Method):
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

    def learn(self, train: Sequence[Example], unlabelled: Sequence[Example]) -> None:
        """Embeds the budget and fits the classifier."""
        head = LogisticHead(strength=self.C, max_iter=self.max_iter, seed=self.seed)
        self.head_ = head.fit(self.embed(train), self.context_.targets(train))

    def predict(self, examples: Sequence[Example]) -> list[Prediction]:
        """Returns the classifier's probabilities over all labels."""
        labels = self.context_.labels
        return to_predictions(self.head_.probabilities(self.embed(examples), len(labels)), labels)

"""Feature extraction: a linear classifier on a frozen encoder."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from harness.core.settings import settings
from harness.methods.classifier import EmbeddingClassifier
from harness.training.heads import Head
from harness.training.logistic import LogisticHead
from harness.training.margins import MarginHead


@settings
class LinearProbe(EmbeddingClassifier):
    """Logistic regression, ridge regression or a linear SVM on the encoder's embeddings.

    With ``C`` given, and ``label_examples=0``, it is exactly scikit-learn's
    ``LogisticRegression``, ``RidgeClassifier`` or ``LinearSVC`` with these settings; without ``C``
    the strength is chosen by cross-validation inside the budget. The scores of the last two are
    calibrated there too, so that they are probabilities.
    """

    classifier: Annotated[
        Literal["logistic", "ridge", "svm"], Field(description="what is fitted")
    ] = "logistic"
    C: Annotated[
        float | None,
        Field(gt=0, description="inverse L2 strength (ridge: alpha is 1 / C); chosen inside the "
              "budget when absent"),
    ] = None  # fmt: skip
    max_iter: Annotated[int, Field(gt=0, description="iterations of the solver")] = 1000
    seed: Annotated[int, Field(ge=0, lt=2**32, description="scikit-learn's random_state")] = 0

    whole_pairs: ClassVar[bool] = True

    def head(self) -> Head:
        """Returns the classifier, which has learnt nothing yet."""
        if self.classifier == "logistic":
            return LogisticHead(strength=self.C, max_iter=self.max_iter, seed=self.seed)
        return MarginHead(self.classifier, strength=self.C, max_iter=self.max_iter, seed=self.seed)

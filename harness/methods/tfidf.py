"""Control: what is reached without any pre-trained model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from harness.core.types import Example, Prediction
from harness.methods.base import Method, settings, to_predictions
from harness.training.logistic import LogisticHead

WORD = r"(?u)\b\w+\b"


@settings
class Tfidf(Method):
    """Logistic regression on TF-IDF weights of words and of character n-grams.

    Words and word pairs, and character n-grams of 2 to 5 within words; sublinear term frequency.
    The vocabulary comes from the budget's own texts.
    """

    C: Annotated[
        float | None,
        Field(gt=0, description="inverse L2 strength; chosen inside the budget when absent"),
    ] = None
    max_iter: Annotated[int, Field(gt=0, description="iterations of the solver")] = 1000

    def learn(self, train: Sequence[Example], unlabelled: Sequence[Example]) -> None:
        """Builds the vocabulary and fits the classifier."""
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.pipeline import make_union

        texts = self.context_.texts(train)
        parts = [TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)]
        if any(re.search(WORD, text) for text in texts):  # a small budget may hold "?!" alone
            words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=WORD)
            parts.insert(0, words)
        self.vectorizer_ = make_union(*parts)
        features = self.vectorizer_.fit_transform(texts)
        head = LogisticHead(strength=self.C, max_iter=self.max_iter)
        self.head_ = head.fit(features, self.context_.targets(train))

    def predict(self, examples: Sequence[Example]) -> list[Prediction]:
        """Returns the classifier's probabilities over all labels."""
        features = self.vectorizer_.transform(self.context_.texts(examples))
        labels = self.context_.labels
        return to_predictions(self.head_.probabilities(features, len(labels)), labels)

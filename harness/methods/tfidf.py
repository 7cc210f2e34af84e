"""Control: what is reached without any pre-trained model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from harness.core.settings import settings
from harness.core.types import Example
from harness.methods.classifier import Classifier
from harness.tasks.kinds.base import Item
from harness.training.heads import fit_head
from harness.training.logistic import LogisticHead
from harness.training.row_space import row_space

WORD = r"(?u)\b\w+\b"


@settings
class Tfidf(Classifier):
    """Logistic regression on TF-IDF weights of words and of character n-grams.

    Words and word pairs, and character n-grams of 2 to 5 within words; sublinear term frequency.
    The vocabulary comes from the budget's own texts. Two texts have their weights side by side,
    and the products of these: what they share.
    """

    C: Annotated[
        float | None,
        Field(gt=0, description="inverse L2 strength; chosen inside the budget when absent"),
    ] = None
    max_iter: Annotated[int, Field(gt=0, description="iterations of the solver")] = 1000

    def train(self, examples: Sequence[Example]) -> None:
        """Builds the vocabulary and fits the classifier."""
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.pipeline import make_union

        lessons = self.lessons(examples)
        texts = [text for item in lessons.items for text in item]
        parts = [TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)]
        if any(re.search(WORD, text) for text in texts):  # a small budget may hold "?!" alone
            words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=WORD)
            parts.insert(0, words)
        self.vectorizer_ = make_union(*parts).fit(texts)
        weights = self._weights(lessons.items)
        self.space_ = row_space(weights)
        self.head_ = fit_head(
            lambda: LogisticHead(strength=self.C, max_iter=self.max_iter),
            self._features(weights),
            lessons.targets,
            anchors=lessons.words,
        )

    def probabilities(self, examples: Sequence[Example]) -> NDArray[np.float64]:
        """Returns the probabilities of every item's classes, shape (items, classes)."""
        features = self._features(self._weights(self.context_.items(examples)))
        return self.head_.probabilities(features, self.context_.classes)

    def _features(self, weights: Any) -> Any:
        """Returns what the classifier reads: the weights, or where they lie in the row space."""
        return weights if self.space_ is None else self.space_.coordinates(weights)

    def _weights(self, items: Sequence[Item]) -> Any:
        """Returns the weights of every item, sparse, shape (items, vocabulary)."""
        from scipy.sparse import hstack

        sides = [
            self.vectorizer_.transform([item[side] for item in items])
            for side in range(len(items[0]))
        ]
        if len(sides) == 1:
            return sides[0]
        return hstack([*sides, sides[0].multiply(sides[1])], format="csr")

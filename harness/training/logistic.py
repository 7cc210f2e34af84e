"""Logistic regression whose strength is given, or chosen inside the label budget."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from harness.stats.arrays import spread_over_all
from harness.training.folds import Part, stratified

GRID = (0.1, 1.0, 10.0, 100.0)
DEFAULT_STRENGTH = 10.0
FOLDS = 5


@contextlib.contextmanager
def quiet_solver() -> Iterator[None]:
    """Runs scikit-learn's solvers on one thread, and without a word where they stop early.

    Their many small products take 2 to 5 times longer on two threads than on one.
    """
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


class LogisticHead:
    """scikit-learn's ``LogisticRegression`` over the classes that a draw holds.

    Args:
        strength: Inverse strength of the L2 penalty, scikit-learn's ``C``; None chooses among
            ``GRID`` by stratified cross-validation over the training rows, and takes
            ``DEFAULT_STRENGTH`` where fewer than two classes have rows for two folds.
        max_iter: Iterations of the solver; stopping there is not an error.
        seed: scikit-learn's ``random_state``.
    """

    def __init__(self, *, strength: float | None, max_iter: int, seed: int = 0) -> None:
        self.strength = strength
        self.max_iter = max_iter
        self.seed = seed

    def fit(self, features: Any, targets: NDArray[np.int64], *, anchors: int = 0) -> Self:
        """Fits on features of shape (examples, dimensions), dense or sparse.

        The last ``anchors`` of them are in no part that is held out to choose the strength by.
        """
        self.seen_, places = np.unique(targets, return_inverse=True)
        self.examples_ = len(targets)
        self.classifier_ = None
        if len(self.seen_) > 1:
            with quiet_solver():
                strength = self.strength or self._choose_strength(features, places, anchors)
                self.classifier_ = self._model(strength).fit(features, targets)
        return self

    def probabilities(self, features: Any, labels: int) -> NDArray[np.float64]:
        """Returns probabilities over all labels of the task, shape (rows, labels)."""
        if self.classifier_ is None:
            inner = np.ones((features.shape[0], 1))
        else:
            inner = self.classifier_.predict_proba(features)
        return spread_over_all(inner, self.seen_, labels, self.examples_)

    def _model(self, strength: float) -> Any:
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(C=strength, max_iter=self.max_iter, random_state=self.seed)

    def _choose_strength(self, features: Any, places: NDArray[np.int64], anchors: int) -> float:
        """Returns the strength of the lowest cross-validated log loss; of equals, the smallest."""
        parts = stratified(places, FOLDS, anchors=anchors)
        if not parts:
            return DEFAULT_STRENGTH
        losses = [self._loss(strength, features, places, parts) for strength in GRID]
        return GRID[int(np.argmin(losses))]

    def _loss(
        self, strength: float, features: Any, places: NDArray[np.int64], parts: Sequence[Part]
    ) -> float:
        """Returns the mean over the parts of the log loss of the rows held out."""
        losses = []
        for rest, held in parts:
            shares = self._model(strength).fit(features[rest], places[rest]).predict_proba(
                features[held]
            )  # fmt: skip
            right = shares[np.arange(len(held)), places[held]]
            losses.append(-np.log(np.maximum(right, np.finfo(shares.dtype).eps)).mean())
        return float(np.mean(losses))

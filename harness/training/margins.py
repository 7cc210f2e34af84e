"""Linear classifiers that give scores, and what turns their scores into probabilities."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from harness.stats.arrays import log_softmax, softmax, spread_over_all
from harness.training.folds import stratified
from harness.training.logistic import DEFAULT_STRENGTH, FOLDS, GRID, quiet_solver

Floats = NDArray[np.float64]
LEAST, MOST = 1e-2, 1e3
"""Bounds of the inverse temperature."""


class MarginHead:
    """Ridge regression of the classes, or a linear support vector machine, calibrated.

    Scores become probabilities by temperature scaling (Guo et al. 2017, "On Calibration of Modern
    Neural Networks", section 4.2). The inverse temperature, and the strength where it is not
    given, are those of the lowest log loss over held-out parts of the rows, by stratified
    cross-validation. Where fewer than two classes have rows for two parts, the scores are taken as
    they are.

    Args:
        kind: ``ridge`` or ``svm``: scikit-learn's ``RidgeClassifier`` or ``LinearSVC``.
        strength: Inverse strength of the L2 penalty (of ``RidgeClassifier`` alpha is 1 over it);
            None chooses among ``GRID``.
        max_iter: Iterations of the solver of ``LinearSVC``; stopping there is not an error.
        seed: scikit-learn's ``random_state``.
    """

    def __init__(
        self, kind: Literal["ridge", "svm"], *, strength: float | None, max_iter: int, seed: int
    ) -> None:
        self.kind = kind
        self.strength = strength
        self.max_iter = max_iter
        self.seed = seed

    def fit(
        self, features: NDArray[np.float32], targets: NDArray[np.int64], *, anchors: int = 0
    ) -> Self:
        """Fits on features of shape (examples, dimensions).

        The last ``anchors`` of them are in no part that is held out.
        """
        self.seen_, places = np.unique(targets, return_inverse=True)
        self.examples_ = len(targets)
        self.classifier_ = None
        if len(self.seen_) > 1:
            with quiet_solver():
                strength, self.inverse_temperature_ = self._choose(features, places, anchors)
                self.classifier_ = self._model(strength).fit(features, places)
        return self

    def probabilities(self, features: NDArray[np.float32], classes: int) -> Floats:
        """Returns probabilities over all classes of the task, shape (rows, classes)."""
        inner = np.ones((len(features), 1))
        if self.classifier_ is not None:
            scores = _columns(self.classifier_.decision_function(features))
            inner = softmax(self.inverse_temperature_ * scores)
        return spread_over_all(inner, self.seen_, classes, self.examples_)

    def _model(self, strength: float) -> Any:
        from sklearn.linear_model import RidgeClassifier
        from sklearn.svm import LinearSVC

        if self.kind == "ridge":
            return RidgeClassifier(alpha=1 / strength, random_state=self.seed)
        return LinearSVC(C=strength, max_iter=self.max_iter, random_state=self.seed)

    def _choose(
        self, features: NDArray[np.float32], places: NDArray[np.int64], anchors: int
    ) -> tuple[float, float]:
        """Returns the strength and the inverse temperature of the lowest held-out log loss."""
        parts = stratified(places, FOLDS, anchors=anchors)
        if not parts:
            return self.strength or DEFAULT_STRENGTH, 1.0
        out = np.concatenate([held for _, held in parts])
        found = []
        for strength in (self.strength,) if self.strength else GRID:
            scores = [
                self._model(strength).fit(features[rest], places[rest]).decision_function(
                    features[held]
                )
                for rest, held in parts
            ]  # fmt: skip
            beta, loss = _best_inverse_temperature(_columns(np.concatenate(scores)), places[out])
            found.append((loss, strength, beta))
        _, strength, beta = min(found)
        return strength, beta


def _columns(scores: NDArray[Any]) -> Floats:
    """Returns a score for each class, shape (rows, classes), also where there are two."""
    exact = np.asarray(scores, dtype=np.float64)
    return exact if exact.ndim > 1 else np.stack([-exact / 2, exact / 2], axis=1)


def _best_inverse_temperature(scores: Floats, places: NDArray[np.int64]) -> tuple[float, float]:
    """Returns what scores are to be multiplied by, and the mean log loss then."""
    from scipy.optimize import minimize_scalar

    def loss(logarithm: float) -> float:
        shares = log_softmax(np.exp(logarithm) * scores)
        return -float(shares[np.arange(len(places)), places].mean())

    found = minimize_scalar(loss, bounds=np.log([LEAST, MOST]), method="bounded")
    return float(np.exp(found.x)), float(found.fun)

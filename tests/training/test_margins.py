import numpy as np
import pytest

from harness.training.logistic import DEFAULT_STRENGTH, GRID
from harness.training.margins import MarginHead

KINDS = ["ridge", "svm"]


@pytest.fixture
def data():
    generator = np.random.default_rng(0)
    targets = np.repeat(np.arange(4), 25)
    centres = 0.7 * generator.normal(size=(4, 10))
    features = (centres[targets] + generator.normal(size=(100, 10))).astype(np.float32)
    return features[::2], targets[::2], features[1::2], targets[1::2]


def peer(kind, strength):
    from sklearn.linear_model import RidgeClassifier
    from sklearn.svm import LinearSVC

    if kind == "ridge":
        return RidgeClassifier(alpha=1 / strength)
    return LinearSVC(C=strength, max_iter=1000, random_state=3)


def head(kind, strength=None):
    return MarginHead(kind, strength=strength, max_iter=1000, seed=3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("strength", [0.1, 1.0, 30.0])
@pytest.mark.parametrize("classes", [2, 4])
def test_answers_are_scikit_learns(data, kind, strength, classes):
    features, targets, new, _ = data
    some = targets < classes
    fitted = head(kind, strength).fit(features[some], targets[some])
    theirs = peer(kind, strength).fit(features[some], targets[some])
    found = fitted.probabilities(new, classes)
    assert (found.argmax(axis=1) == theirs.predict(new)).all()
    np.testing.assert_allclose(found.sum(axis=1), 1)


@pytest.mark.parametrize("kind", KINDS)
def test_strength_and_temperature_have_the_lowest_held_out_loss(data, kind):
    from scipy.special import log_softmax
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    features, targets, _, _ = data
    losses = {}
    for strength in GRID:
        scores = cross_val_predict(
            peer(kind, strength), features, targets, cv=StratifiedKFold(5),
            method="decision_function",
        )  # fmt: skip
        for beta in np.geomspace(0.01, 1000, 400):
            shares = log_softmax(beta * scores, axis=1)
            losses[strength, beta] = -shares[np.arange(len(targets)), targets].mean()
    best, beta = min(losses, key=losses.get)
    fitted = head(kind).fit(features, targets)
    chosen = fitted.classifier_
    assert best == pytest.approx(1 / chosen.alpha if kind == "ridge" else chosen.C)
    assert fitted.inverse_temperature_ == pytest.approx(beta, rel=0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_probabilities_are_calibrated(data, kind):
    features, targets, new, right = data
    found = head(kind).fit(features, targets).probabilities(new, 4)
    answered = found.argmax(axis=1) == right
    assert answered.mean() == pytest.approx(found.max(axis=1).mean(), abs=0.12)


@pytest.mark.parametrize("kind", KINDS)
def test_small_draws(data, kind):
    features, targets, new, _ = data
    lone = head(kind).fit(features[11:14], targets[11:14])  # one class has two rows
    assert lone.inverse_temperature_ == 1
    chosen = lone.classifier_
    assert pytest.approx(1 / chosen.alpha if kind == "ridge" else chosen.C) == DEFAULT_STRENGTH
    rare = np.append(np.flatnonzero(targets > 0), np.flatnonzero(targets == 0)[0])
    assert head(kind).fit(features[rare], targets[rare]).inverse_temperature_ != 1
    same = head(kind).fit(features[:5], targets[:5])  # a single class
    assert (same.probabilities(new, 4).argmax(axis=1) == targets[0]).all()
    absent = head(kind).fit(features[targets != 1], targets[targets != 1]).probabilities(new, 4)
    np.testing.assert_allclose(absent[:, 1], 1 / (len(targets[targets != 1]) + 1))

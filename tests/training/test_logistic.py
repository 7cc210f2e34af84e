import warnings

import numpy as np
import pytest

from harness.training.logistic import DEFAULT_STRENGTH, FOLDS, GRID, LogisticHead


@pytest.fixture
def data():
    generator = np.random.default_rng(0)
    targets = np.repeat(np.arange(4), 12)
    centres = generator.normal(size=(4, 10))
    features = (centres[targets] + generator.normal(size=(48, 10))).astype(np.float32)
    return features, targets, generator.normal(size=(30, 10)).astype(np.float32)


@pytest.mark.parametrize("strength", [0.1, 1.0, 30.0])
def test_is_exactly_scikit_learns(data, strength):
    from sklearn.linear_model import LogisticRegression

    features, targets, new = data
    head = LogisticHead(strength=strength, max_iter=100, seed=42).fit(features, targets)
    model = LogisticRegression(C=strength, max_iter=100, random_state=42).fit(features, targets)
    assert (head.probabilities(new, 4) == model.predict_proba(new)).all()


def test_sparse_features(data):
    from scipy.sparse import csr_matrix

    features, targets, new = data
    dense = LogisticHead(strength=1.0, max_iter=1000).fit(features, targets)
    sparse = LogisticHead(strength=1.0, max_iter=1000).fit(csr_matrix(features), targets)
    np.testing.assert_allclose(
        sparse.probabilities(csr_matrix(new), 4), dense.probabilities(new, 4), atol=1e-3
    )


def test_the_strength_is_the_best_of_cross_validation(data):
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss
    from sklearn.model_selection import StratifiedKFold

    features, targets, new = data
    losses = {}
    for strength in GRID:
        folds = StratifiedKFold(FOLDS).split(features, targets)
        losses[strength] = np.mean([
            log_loss(
                targets[held_out],
                LogisticRegression(C=strength, max_iter=1000)
                .fit(features[rest], targets[rest])
                .predict_proba(features[held_out]),
            )
            for rest, held_out in folds
        ])  # fmt: skip
    best = min(losses, key=losses.get)
    chosen = LogisticHead(strength=None, max_iter=1000).fit(features, targets)
    given = LogisticHead(strength=best, max_iter=1000).fit(features, targets)
    assert (chosen.probabilities(new, 4) == given.probabilities(new, 4)).all()
    assert best == chosen.classifier_.C


def test_a_row_alone_in_its_class_is_learnt_from_always(data):
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold

    features, targets = data[0][11:37] * 100, data[1][11:37]
    assert np.bincount(targets).tolist() == [1, 12, 12, 1]
    dealt = np.arange(1, 25)
    losses = {}
    for strength in GRID:
        held_out = []
        for rest, held in StratifiedKFold(FOLDS).split(dealt, targets[dealt]):
            known = [0, *dealt[rest], 25]
            model = LogisticRegression(C=strength, max_iter=1000)
            model.fit(features[known], targets[known])
            shares = model.predict_proba(features[dealt[held]])
            right = shares[np.arange(len(held)), targets[dealt[held]]]
            held_out.append(-np.log(np.maximum(right, 1e-7)).mean())
        losses[strength] = np.mean(held_out)
    head = LogisticHead(strength=None, max_iter=1000).fit(features, targets)
    assert head.classifier_.C == min(losses, key=losses.get) != DEFAULT_STRENGTH


@pytest.mark.parametrize("rows", [[0, 12, 24, 36], [0, 12, 13, 24, 36]])
def test_too_few_rows_to_choose_with(data, rows):
    features, targets, _ = data
    head = LogisticHead(strength=None, max_iter=100).fit(features[rows], targets[rows])
    assert head.classifier_.C == DEFAULT_STRENGTH


def test_classes_that_the_draw_does_not_hold(data):
    features, targets, new = data
    chosen = targets != 2
    head = LogisticHead(strength=1.0, max_iter=100).fit(features[chosen], targets[chosen])
    found = head.probabilities(new, 5)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(found[:, [2, 4]], 1 / (36 + 2))
    inner = head.classifier_.predict_proba(new)
    assert (found[:, [0, 1, 3]].argmax(axis=1) == inner.argmax(axis=1)).all()


def test_a_single_class(data):
    features, _, new = data
    head = LogisticHead(strength=None, max_iter=100).fit(features[:6], np.full(6, 1))
    found = head.probabilities(new, 3)
    np.testing.assert_allclose(found, np.tile([1 / 8, 6 / 8, 1 / 8], (30, 1)))


def test_stopping_early_is_no_warning(data):
    features, targets, _ = data
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        LogisticHead(strength=100.0, max_iter=2).fit(features * 100, targets)

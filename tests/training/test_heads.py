import numpy as np
import pytest

from harness.training.heads import OneVsRest, fit_head
from harness.training.logistic import LogisticHead
from harness.training.neighbours import NeighbourHead
from harness.training.prototypes import PrototypeHead

HEADS = {
    "logistic": lambda: LogisticHead(strength=1.0, max_iter=200),
    "prototypes": lambda: PrototypeHead(scale=20.0),
    "neighbours": lambda: NeighbourHead(k=3, scale=20.0, fall=0),
}


@pytest.fixture
def data():
    generator = np.random.default_rng(0)
    centres = generator.normal(size=(3, 8))
    has = generator.random((80, 3)) < 0.4
    features = (has @ centres + 0.3 * generator.normal(size=(80, 8))).astype(np.float32)
    return features[:60], has[:60], features[60:], has[60:]


@pytest.mark.parametrize("make", HEADS.values(), ids=HEADS)
def test_any_number_of_labels(make, data):
    features, has, new, right = data
    probabilities = fit_head(make, features, has).probabilities(new, 3)
    assert probabilities.shape == right.shape
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    assert ((probabilities >= 0.5) == right).mean() > 0.75


def test_each_label_is_learnt_by_itself(data):
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    features, has, new, _ = data
    ours = OneVsRest(HEADS["logistic"]).fit(features, has).probabilities(new, 3)
    theirs = OneVsRestClassifier(LogisticRegression(C=1.0, max_iter=200)).fit(features, has)
    np.testing.assert_allclose(ours, theirs.predict_proba(new), atol=1e-6)


@pytest.mark.parametrize("make", HEADS.values(), ids=HEADS)
def test_a_label_that_all_or_no_rows_have(make, data):
    features, has, new, _ = data
    some = has.copy()
    some[:, 0], some[:, 1] = True, False
    probabilities = fit_head(make, features, some).probabilities(new, 3)
    assert (probabilities[:, 0] > 0.8).all()
    assert (probabilities[:, 1] < 0.2).all()


def test_votes_for_several_labels_are_those_of_each_alone(data):
    features, has, new, _ = data
    together = NeighbourHead(k=5, scale=20.0, fall=0).fit(features, has).probabilities(new, 3)
    prior = has.mean(axis=0)
    for place in range(3):
        alone = NeighbourHead(k=5, scale=20.0, fall=0).fit(features, has[:, place].astype(np.int64))
        share = (alone.probabilities(new, 2)[:, 1] * 6 - 0.5) / 5
        np.testing.assert_allclose(together[:, place], (5 * share + prior[place]) / 6, atol=1e-9)

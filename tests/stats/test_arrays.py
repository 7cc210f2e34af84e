import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from harness.stats.arrays import log_softmax, softmax, spread_over_all, unit_rows

MATRICES = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
    elements=st.floats(-1000, 1000, width=32).map(lambda value: np.float32(round(value, 2))),
)


@given(MATRICES)
def test_softmax(scores):
    found = softmax(scores)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(softmax(scores + np.float32(64)), found, atol=1e-3)
    best = np.arange(len(scores)), scores.argmax(axis=1)
    assert (found[best] == found.max(axis=1)).all()


def test_softmax_of_known_numbers():
    assert softmax(np.array([[0.0, np.log(3.0)]])).tolist() == [pytest.approx([0.25, 0.75])]
    assert softmax(np.array([[-1e4, -1e4 - 800]], np.float32)).tolist() == [[1.0, 0.0]]


@given(MATRICES)
def test_log_softmax_is_the_log_of_softmax(scores):
    found = log_softmax(scores)
    assert found.dtype == np.float64
    np.testing.assert_allclose(np.exp(found), softmax(scores), rtol=1e-9, atol=1e-300)


def test_log_softmax_of_known_numbers():
    assert log_softmax(np.array([[0.0, np.log(3.0)]])).tolist() == [
        pytest.approx([np.log(0.25), np.log(0.75)])
    ]
    assert log_softmax(np.array([[-1e4, -1e4 - 800]], np.float32)).tolist() == [[0.0, -800.0]]


def test_log_softmax_keeps_what_cannot_be():
    scores = np.array([[-np.inf, -3.0], [-np.inf, -np.inf]])
    assert log_softmax(scores).tolist() == [[-np.inf, 0.0], [-np.inf, -np.inf]]


@given(MATRICES)
def test_unit_rows(vectors):
    found = unit_rows(vectors)
    assert found.dtype == np.float32
    lengths = np.linalg.norm(found, axis=1)
    nought = ~vectors.any(axis=1)
    np.testing.assert_allclose(lengths[~nought], 1, atol=1e-4)
    assert (found[nought] == 0).all()


@given(st.integers(1, 5), st.integers(0, 5), st.integers(1, 40), st.integers(0, 99))
def test_spread_over_all(seen, unseen, examples, seed):
    generator = np.random.default_rng(seed)
    places = np.sort(generator.permutation(seen + unseen)[:seen])
    given_to_seen = generator.dirichlet(np.ones(seen), size=3)
    full = spread_over_all(given_to_seen, places, seen + unseen, examples)
    np.testing.assert_allclose(full.sum(axis=1), 1, rtol=1e-12)
    others = np.setdiff1d(np.arange(seen + unseen), places)
    np.testing.assert_allclose(full[:, others], 1 / (examples + unseen))
    shares = full[:, places] / full[:, places].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shares, given_to_seen, rtol=1e-9)


def test_where_all_are_seen_nothing_changes():
    probabilities = np.random.default_rng(0).dirichlet(np.ones(7), size=500)
    full = spread_over_all(probabilities, np.arange(7), 7, 49)
    assert full.tobytes() == probabilities.tobytes()

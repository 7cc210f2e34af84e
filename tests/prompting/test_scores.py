import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.prompting.scores import label_scores

INF = float("inf")
SCORES = ("sum", "token", "character", "byte", "pmi")
NEEDED = {
    "sum": {},
    "token": {"tokens": np.array([[1, 2], [4, 1]])},
    "character": {},
    "byte": {},
    "pmi": {"unconditional": np.array([-2.0, -5.0])},
}
# The second row has one continuation, so the second score of it is none.
LOGLIKELIHOODS = np.array([[-6.0, -12.0], [-8.0, -INF]], np.float32)
CONTINUATIONS = [[" yes", " café"], ["\n naïveté"]]


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        ("sum", [[-6, -12], [-8, -INF]]),
        ("token", [[-6, -6], [-2, -INF]]),
        ("character", [[-2, -3], [-8 / 7, -INF]]),
        ("byte", [[-2, -12 / 5], [-8 / 9, -INF]]),
        ("pmi", [[-4, -7], [-6, -INF]]),
    ],
)
def test_known_numbers(score, expected):
    found = label_scores(LOGLIKELIHOODS, score=score, continuations=CONTINUATIONS, **NEEDED[score])
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-15)


def test_only_the_white_space_before_a_label_is_left_out():
    found = label_scores(
        np.full((1, 4), -12.0), score="character", continuations=[["ab", "  ab", " a b", " ab\n"]]
    )
    assert found.tolist() == [[-6.0, -6.0, -4.0, -4.0]]


@pytest.mark.parametrize("score", ["character", "byte"])
def test_a_label_of_white_space_alone_counts_as_one(score):
    found = label_scores(np.array([[-3.0, -3.0]]), score=score, continuations=[["\n", ""]])
    assert found.tolist() == [[-3.0, -3.0]]


def test_a_row_may_have_its_own_log_likelihoods_after_the_cue():
    unconditional = np.array([[-1.0, -2.0], [-3.0, -INF]], np.float32)
    found = label_scores(
        LOGLIKELIHOODS, score="pmi", continuations=CONTINUATIONS, unconditional=unconditional
    )
    assert found.tolist() == [[-5.0, -10.0], [-5.0, -INF]]


@given(st.sampled_from(SCORES), st.integers(1, 4), st.integers(0, 99))
def test_what_a_row_does_not_have_stays_so(score, labels, seed):
    generator = np.random.default_rng(seed)
    counts = generator.integers(1, labels + 1, size=5)
    missing = np.arange(labels) >= counts[:, None]
    needed = {
        "tokens": np.where(missing, 1, generator.integers(1, 9, size=(5, labels))),
        "unconditional": np.where(missing, -INF, -generator.exponential(9, size=(5, labels))),
    }
    found = label_scores(
        np.where(missing, -INF, -generator.exponential(9, size=(5, labels))),
        score=score,
        continuations=[[" word"] * count for count in counts],
        **needed,
    )
    assert (np.isneginf(found) == missing).all()
    assert np.isfinite(found[~missing]).all()


@pytest.mark.parametrize("score", SCORES)
def test_the_log_likelihoods_are_left_as_they_were(score):
    kept = LOGLIKELIHOODS.astype(np.float64)
    given_away = kept.copy()
    label_scores(given_away, score=score, continuations=CONTINUATIONS, **NEEDED[score])[:] = 0
    assert (given_away == kept).all()


@pytest.mark.parametrize(
    ("score", "wrong"),
    [
        ("token", {}),
        ("token", {"tokens": np.array([1, 2])}),
        ("token", {"tokens": np.array([[1, 2], [4, 0]])}),
        ("pmi", {}),
        ("pmi", {"unconditional": np.zeros(3)}),
        ("pmi", {"unconditional": np.zeros((3, 2))}),
        ("pmi", {"unconditional": np.array([-INF, 0.0])}),
        ("character", {"continuations": CONTINUATIONS[:1]}),
        ("byte", {"continuations": [["a", "b", "c"], ["a"]]}),
    ],
)
def test_what_is_missing_or_does_not_fit_is_refused(score, wrong):
    with pytest.raises(ValueError, match=r"scores|after the cue"):
        label_scores(LOGLIKELIHOODS, score=score, **{"continuations": CONTINUATIONS, **wrong})

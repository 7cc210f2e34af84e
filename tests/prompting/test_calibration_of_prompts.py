import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from harness.core.types import Example
from harness.prompting.calibration import (
    CONTENT_FREE,
    calibrate,
    choose_by_labels,
    choose_inputs,
    fit_temperature,
    offsets,
)
from harness.stats.arrays import log_softmax, softmax
from harness.tasks.splits import normalised

INF = float("inf")
MEANS = ("log", "probability")
MEAN = st.sampled_from(MEANS)
NUMBERS = st.floats(-50, 0, width=32)
SCORES = hnp.arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 5)), elements=NUMBERS)
GAPPY = hnp.arrays(
    np.float64,
    st.tuples(st.integers(1, 6), st.integers(1, 5)),
    elements=st.one_of(st.just(-INF), NUMBERS),
)
NOTHING = [np.zeros((0, 3)), np.zeros((2, 0)), np.full((2, 3), -INF)]
NO_SCORES = [np.array([[0.0, np.nan]]), np.array([[0.0, INF]]), np.zeros(3), np.zeros((1, 2, 3))]


def text_of(example):
    return example.fields["text"]


def made(texts, target=None):
    return [Example(row, {"text": text}, target) for row, text in enumerate(texts)]


def chosen(rows, *, count, seed=0, **settings):
    inputs = choose_inputs(rows, count=count, seed=seed, text=text_of, **settings)
    return [text_of(example) for example in inputs]


# Offsets


def test_mean_scores():
    scores = np.array([[-1.0, -4.0, -3.0], [-3.0, -8.0, -5.0]], np.float32)
    # Means -2, -6, -4; their mean is -4.
    found = offsets(scores, mean="log")
    assert found.dtype == np.float64
    assert found.tolist() == [2.0, -2.0, 0.0]


def test_mean_probabilities():
    # As probabilities (3/4, 1/4) and (1/4, 3/4) times any constant: no label is preferred.
    scores = np.log([[0.3, 0.1], [0.01, 0.03]])
    np.testing.assert_allclose(offsets(scores, mean="probability"), [0, 0], atol=1e-15)
    # Means (0.6, 0.4) and half of log(0.6 / 0.4) on either side of 0.
    scores = np.log([[0.8, 0.2], [0.4, 0.6]])
    half = np.log(1.5) / 2
    np.testing.assert_allclose(offsets(scores, mean="probability"), [half, -half], rtol=1e-14)
    assert abs(offsets(scores, mean="log")[0] - np.log(8 / 3) / 4) < 1e-14  # another mean


@given(st.lists(NUMBERS, min_size=1, max_size=5), MEAN)
def test_of_one_input_both_means_are_its_scores(scores, mean):
    row = np.array([scores])
    np.testing.assert_allclose(offsets(row, mean=mean), row[0] - row.mean(), atol=1e-12)


@given(SCORES, st.integers(0, 99))
def test_of_probabilities_a_constant_of_an_input_does_not_matter(scores, seed):
    constants = np.random.default_rng(seed).normal(0, 20, size=(len(scores), 1))
    np.testing.assert_allclose(
        offsets(scores + constants, mean="probability"),
        offsets(scores, mean="probability"),
        atol=1e-9,
    )


@given(SCORES, st.integers(0, 99))
def test_nor_does_one_change_what_labels_are_preferred_by_mean_scores(scores, seed):
    constants = np.random.default_rng(seed).normal(0, 20, size=(len(scores), 1))
    np.testing.assert_allclose(
        offsets(scores + constants, mean="log"), offsets(scores, mean="log"), atol=1e-9
    )


@given(GAPPY, MEAN)
def test_offsets_are_finite_with_a_mean_of_nought(scores, mean):
    assume(np.isfinite(scores).any())
    found = offsets(scores, mean=mean)
    unseen = np.isneginf(scores).all(axis=0)
    assert np.isfinite(found).all()
    assert (found[unseen] == 0).all()
    assert abs(found.sum()) < 1e-10


@given(GAPPY, MEAN, st.randoms(use_true_random=False))
def test_offsets_go_with_their_labels_and_know_no_order_of_inputs(scores, mean, random):
    assume(np.isfinite(scores).any())
    labels = random.sample(range(scores.shape[1]), scores.shape[1])
    inputs = random.sample(range(len(scores)), len(scores))
    np.testing.assert_allclose(
        offsets(scores[inputs][:, labels], mean=mean),
        offsets(scores, mean=mean)[labels],
        atol=1e-10,
    )


@pytest.mark.parametrize("mean", MEANS)
def test_a_label_that_no_input_has_changes_nothing(mean):
    scores = np.random.default_rng(0).normal(size=(5, 3))
    wider = np.insert(scores, 1, -INF, axis=1)
    np.testing.assert_allclose(
        offsets(wider, mean=mean), np.insert(offsets(scores, mean=mean), 1, 0), atol=1e-15
    )


@pytest.mark.parametrize("mean", MEANS)
def test_means_are_over_the_inputs_that_have_the_label(mean):
    # Three inputs that like all their labels alike, one of which has a third label.
    scores = np.array([[-3.0, -3, -INF], [-3.0, -3, -3], [-3.0, -3, -INF]])
    if mean == "log":
        assert offsets(scores, mean=mean).tolist() == [0, 0, 0]
    else:
        # (1/2 + 1/3 + 1/2) / 3 = 4/9 for the first two, 1/3 for the third.
        difference = np.log((4 / 9) / (1 / 3))
        expected = [difference / 3, difference / 3, -2 * difference / 3]
        np.testing.assert_allclose(offsets(scores, mean=mean), expected, rtol=1e-13)


@pytest.mark.parametrize("mean", MEANS)
@pytest.mark.parametrize("scores", [*NOTHING, *NO_SCORES])
def test_offsets_need_scores(scores, mean):
    with pytest.raises(ValueError, match="scores"):
        offsets(scores, mean=mean)


# Calibrated scores


@given(SCORES)
def test_calibrated_by_their_own_mean_scores_all_labels_have_the_same(scores):
    calibrated = calibrate(scores, offsets(scores, mean="log"))
    np.testing.assert_allclose(calibrated.mean(axis=0), scores.mean(), atol=1e-10)


@given(SCORES)
def test_divided_by_their_own_mean_probabilities_all_labels_have_the_same(scores):
    ratios = np.exp(calibrate(log_softmax(scores), offsets(scores, mean="probability")))
    means = ratios.mean(axis=0)
    np.testing.assert_allclose(means, means[0], rtol=1e-8)


def test_calibration_answers_with_the_label_that_gained_most():
    scores = np.array([[-1.0, -5.0, -INF], [-2.0, -3.0, -9.0]], np.float32)
    calibrated = calibrate(scores, np.array([2.0, -2.0, 0.0]))
    assert calibrated.tolist() == [[-3.0, -3.0, -INF], [-4.0, -1.0, -9.0]]
    assert (calibrate(scores, np.zeros(3)) == scores).all()


def test_contextual_calibration_makes_content_free_texts_even():
    # Zhao et al. 2021: after it, a text without content is answered with every label alike.
    scores = np.log([[0.7, 0.2, 0.1]])
    even = softmax(calibrate(scores, offsets(scores, mean="probability")))
    np.testing.assert_allclose(even, [[1 / 3, 1 / 3, 1 / 3]], rtol=1e-14)
    assert CONTENT_FREE == ("N/A", "[MASK]", "")


@pytest.mark.parametrize(
    ("scores", "wrong"),
    [
        (np.zeros((3, 3)), np.zeros(2)),
        (np.zeros((3, 3)), np.zeros((3, 3))),
        (np.zeros((3, 3)), np.zeros((3, 1))),
        (np.zeros((1, 2)), np.array([0.0, -INF])),
        (np.zeros((1, 2)), np.array([0.0, np.nan])),
        *((scores, np.zeros(scores.shape[-1])) for scores in NO_SCORES),
    ],
)
def test_what_does_not_fit_is_not_calibrated(scores, wrong):
    with pytest.raises(ValueError, match="scores"):
        calibrate(scores, wrong)


# The inputs

WORDS = st.sampled_from(
    ["card", "Card!", "rate", "rates", "top up", "Top  up?", "", "  ", "?!", "é"]
)
TEXTS = st.lists(WORDS, max_size=12)


@given(TEXTS, st.integers(0, 9), st.integers(0, 5))
def test_every_text_once_and_none_empty(texts, count, seed):
    found = [normalised(text) for text in chosen(made(texts), count=count, seed=seed)]
    different = {normalised(text) for text in texts} - {""}
    assert len(found) == len(set(found)) == min(count, len(different))
    assert set(found) <= different


@given(TEXTS, st.integers(0, 5), st.integers(0, 5))
def test_choices_nest(texts, count, seed):
    more = chosen(made(texts), count=count + 3, seed=seed)
    assert more[:count] == chosen(made(texts), count=count, seed=seed)


@given(TEXTS, st.randoms(use_true_random=False))
def test_the_order_and_the_numbers_of_the_rows_do_not_matter(texts, random):
    rows = made(texts)
    shuffled = random.sample(rows, len(rows))
    assert choose_inputs(shuffled, count=4, seed=1, text=text_of) == choose_inputs(
        rows, count=4, seed=1, text=text_of
    )
    numbered_anew = made([text_of(example) for example in shuffled])
    assert chosen(numbered_anew, count=4, seed=1) == chosen(rows, count=4, seed=1)


def test_what_is_to_be_avoided_is_and_moves_no_other():
    rows = made([f"text {number}" for number in range(30)])
    free = chosen(rows, count=30)
    avoid = {normalised(text) for text in free[:3]}
    assert chosen(rows, count=10, avoid=avoid) == free[3:13]
    assert chosen(made(["Text, 1!"]), count=1, avoid=["text 1"]) == []


def test_the_seed_decides():
    rows = made([f"text {number}" for number in range(30)])
    assert len({tuple(chosen(rows, count=5, seed=seed)) for seed in range(20)}) == 20


def test_inputs_carry_no_label():
    inputs = choose_inputs(made(["a", "b"], "yes"), count=2, seed=0, text=text_of)
    assert [example.target for example in inputs] == [None, None]


def test_none_can_be_asked_for():
    assert chosen(made(["a"]), count=0) == []
    assert chosen([], count=3) == []


def test_the_choice_never_changes():
    # Worked out with sha256sum from "7:calibration:top up" and so on, not with this program.
    rows = made(["Lost card", "top up", "exchange rate", "Zürich?"])
    assert chosen(rows, count=4, seed=7) == ["top up", "exchange rate", "Zürich?", "Lost card"]


# The choice by labels

ROWS = np.array([[0.0, 1.0], [0.0, 3.0], [0.0, 4.0], [0.0, 6.0]])  # the second always wins
TARGETS = np.array([0, 0, 1, 1])


def choose(scores, targets, candidates):
    """Returns the best of offsets."""
    return choose_by_labels(
        {name: calibrate(scores, offset) for name, offset in candidates.items()}, targets
    )


def test_the_offsets_with_the_most_right_answers_are_chosen():
    candidates = {"none": np.zeros(2), "some": np.array([-1.0, 1.0]), "right": np.array([-2, 1.5])}
    # Right answers: 2, 3 and 4.
    assert choose(ROWS, TARGETS, candidates) == "right"
    del candidates["right"]
    assert choose(ROWS, TARGETS, candidates) == "some"


def test_then_the_likelier_true_labels_then_the_first():
    near, far = np.array([-1.6, 1.6]), np.array([-1.95, 1.95])
    # Both answer all rows right, by 2.2, 0.2, 0.8, 2.8 and by 2.9, 0.9, 0.1, 2.1: mean log
    # probabilities of -0.283 and -0.289.
    assert choose(ROWS, TARGETS, {"near": near, "far": far}) == "near"
    assert choose(ROWS, TARGETS, {"far": far, "near": near}) == "near"
    assert choose(ROWS, TARGETS, {"b": near, "a": near}) == "b"


def test_right_answers_go_before_likelihood():
    scores, targets = np.array([[0.0, 0.1], [0.1, 0.0], [9.0, 0.0]]), np.array([1, 0, 1])
    # Without offsets two are right, the third is lost by 9; with them one, the others lost by 6
    # and 3: mean log probabilities of -3.43 and -2.98.
    candidates = {"likely": np.array([3.0, -3.0]), "none": np.zeros(2)}
    assert choose(scores, targets, candidates) == "none"


def test_a_label_without_a_score_does_not_disturb_the_choice():
    scores = np.column_stack([ROWS, np.full(4, -INF)])
    candidates = {"none": np.zeros(3), "right": np.array([-2, 1.5, 0.0])}
    assert choose(scores, TARGETS, candidates) == "right"
    hopeless = np.full(4, 2)  # the true label is the one without a score
    assert choose(scores, hopeless, candidates) == "none"


def test_without_rows_the_first_is_chosen():
    candidates = {"b": np.zeros(2), "a": np.ones(2)}
    assert choose(np.zeros((0, 2)), np.zeros(0, int), candidates) == "b"


@pytest.mark.parametrize(
    ("targets", "candidates"),
    [
        (TARGETS[:3], {"none": np.zeros(2)}),
        (TARGETS + 1, {"none": np.zeros(2)}),
        (TARGETS - 1, {"none": np.zeros(2)}),
        (TARGETS, {}),
        (TARGETS, {"none": np.zeros(3)}),
    ],
)
def test_a_choice_that_cannot_be_made_is_refused(targets, candidates):
    with pytest.raises(ValueError, match=r"scores|candidates"):
        choose(ROWS, targets, candidates)


# Temperature


def drawn(*, rows, labels, seed=0):
    """Scores, and targets drawn from their softmax: the temperature that fits is 1."""
    generator = np.random.default_rng(seed)
    scores = generator.normal(0, 2, size=(rows, labels))
    return scores, np.argmax(scores + generator.gumbel(size=scores.shape), axis=1)


def test_scores_that_are_calibrated_have_temperature_1():
    assert abs(fit_temperature(*drawn(rows=20_000, labels=5)) - 1) < 0.05


@given(st.floats(0.1, 10), st.integers(0, 20))
def test_temperature_scales_with_the_scores(factor, seed):
    scores, targets = drawn(rows=60, labels=4, seed=seed)
    expected = factor * fit_temperature(scores, targets)
    assert fit_temperature(factor * scores, targets) == pytest.approx(expected, rel=1e-9)


def test_temperature_of_known_numbers():
    # Three of four rows right by the same margin m: 1 / (1 + exp(-m / t)) = 3 / 4, t = m / log 3.
    scores, targets = np.array([[0.0, 5.0]] * 4, np.float32), np.array([1, 1, 0, 1])
    assert fit_temperature(scores, targets) == pytest.approx(5 / np.log(3), rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_no_other_temperature_fits_better(seed):
    scores, targets = drawn(rows=50, labels=3, seed=seed)
    found = fit_temperature(scores, targets)

    def loss(temperature):
        return -log_softmax(scores / temperature)[np.arange(50), targets].mean()

    others = np.exp(np.linspace(-4, 4, 81))
    assert loss(found) <= min(loss(temperature) for temperature in others)


def test_labels_without_a_score_do_not_disturb_the_temperature():
    scores, targets = drawn(rows=50, labels=3)
    expected = fit_temperature(scores, targets)
    wider = np.column_stack([scores, np.full(50, -INF)])
    assert fit_temperature(wider, targets) == pytest.approx(expected, rel=1e-12)
    untold = np.vstack([wider, [0.0, 1.0, 2.0, -INF]]), np.append(targets, 3)
    assert fit_temperature(*untold) == pytest.approx(expected, rel=1e-12)


def test_where_nothing_tells_the_temperature_is_1():
    assert fit_temperature(np.zeros((0, 3)), np.zeros(0, int)) == 1
    assert fit_temperature(np.full((4, 3), -7.0), np.array([0, 1, 2, 0])) == 1
    assert fit_temperature(np.array([[0.0, -INF]]), np.array([1])) == 1


def test_temperature_stays_within_its_bounds():
    scores = np.array([[0.0, 1.0], [1.0, 0.0]])
    assert fit_temperature(scores, np.array([1, 0])) == pytest.approx(np.exp(-4))
    assert fit_temperature(scores, np.array([0, 1])) == pytest.approx(np.exp(4))


@pytest.mark.parametrize("targets", [np.array([0]), np.array([0, 3]), np.array([-1, 0])])
def test_targets_that_do_not_fit_are_refused(targets):
    with pytest.raises(ValueError, match="targets"):
        fit_temperature(np.zeros((2, 3)), targets)

"""Calibrators: what is learnt from the calibrating inputs and done to every row of scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness.prompting.calibration import Calibrator, calibrate, offsets

SCORES = arrays(np.float64, (7, 4), elements=st.floats(-50, 0, width=16))


def centred(scores):
    return scores - scores.mean(axis=1, keepdims=True)


def test_scales_even_out_half_of_the_spread_by_hand():
    # Every row adds up to nothing. Deviations 5, 4 and 1: their roots are 2.236, 2 and 1.
    scores = np.array([[5.0, -4.0, -1.0], [-5.0, 4.0, 1.0]])
    learnt = Calibrator.learn(scores, mean="log", spread=0.5)
    mean = (5**0.5 + 2 + 1) / 3
    np.testing.assert_allclose(learnt.scales, [mean / 5**0.5, mean / 2, mean])
    made = learnt(np.array([[12.0, 9.0, 9.0]]))  # centred: 2, -1, -1
    np.testing.assert_allclose(made, [[2 * mean / 5**0.5, -mean / 2, -mean]])


@given(SCORES, st.sampled_from(["log", "probability"]))
def test_without_spread_only_offsets_are_taken_away(scores, mean):
    learnt = Calibrator.learn(scores, mean=mean, spread=0.0)
    np.testing.assert_array_equal(learnt.scales, np.ones(4))
    wanted = centred(calibrate(scores, offsets(scores, mean=mean)))
    np.testing.assert_allclose(learnt(scores), wanted, atol=1e-9)


@given(SCORES, st.floats(-30, 30), st.sampled_from([0.0, 0.5, 1.0]))
def test_how_likely_a_text_is_by_itself_changes_nothing(scores, shift, spread):
    learnt = Calibrator.learn(scores, mean="log", spread=spread)
    np.testing.assert_allclose(learnt(scores + shift), learnt(scores), atol=1e-6)
    shifts = np.linspace(0, shift, len(scores))[:, None]
    again = Calibrator.learn(scores + shifts, mean="log", spread=0.0)
    np.testing.assert_allclose(again.offsets, Calibrator.learn(
        scores, mean="log", spread=0.0).offsets, atol=1e-6)  # fmt: skip


@given(SCORES)
def test_all_of_the_spread_makes_every_label_vary_alike(scores):
    learnt = Calibrator.learn(scores, mean="log", spread=1.0)
    before = centred(calibrate(scores, learnt.offsets)).std(axis=0)
    after = learnt(scores).std(axis=0)[before > 1e-3]
    if len(after):
        np.testing.assert_allclose(after, after[0], rtol=1e-6)


@pytest.mark.parametrize("spread", [0.0, 0.5, 1.0])
def test_labels_that_do_not_vary_are_left_alone(spread):
    learnt = Calibrator.learn(np.full((3, 2), -5.0), mean="log", spread=spread)
    np.testing.assert_array_equal(learnt.scales, [1.0, 1.0])


def test_a_missing_score_stays_missing_and_disturbs_no_other():
    scores = np.array([[-1.0, -4.0, -np.inf], [1.0, 4.0, -np.inf]])
    learnt = Calibrator.learn(scores, mean="log", spread=0.5)
    made = learnt(scores)
    assert np.isneginf(made[:, 2]).all()
    assert np.isfinite(made[:, :2]).all()
    whole = Calibrator.learn(scores[:, :2], mean="log", spread=0.5)(scores[:, :2])
    assert (made[:, :2].argmax(axis=1) == whole.argmax(axis=1)).all()

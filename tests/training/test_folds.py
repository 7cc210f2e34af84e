import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.training.folds import GIVEN_UP, folds, scope_threshold, set_threshold


@given(classes=st.lists(st.integers(0, 5), max_size=60), count=st.integers(2, 6))
def test_every_row_that_has_company_is_held_out_once_and_never_learnt_from_then(classes, count):
    held = []
    for rest, out in folds(classes, count):
        assert sorted(rest + out) == list(range(len(classes)))
        assert out
        held += out
    company = [row for row, its in enumerate(classes) if classes.count(its) > 1]
    assert sorted(held) == company


def test_a_class_is_dealt_out_evenly():
    classes = ["a"] * 20 + ["b"] * 10
    for _, out in folds(classes, 5):
        assert [classes[row] for row in out].count("a") == 4
        assert [classes[row] for row in out].count("b") == 2


@pytest.mark.parametrize("count", [4, 5])
def test_small_classes_have_no_more_held_out_than_large_ones(count):
    classes = [name for name in "abcdefghij" for _ in range(2)]
    for rest, out in folds(classes, count):
        assert len(out) == 20 // count
        assert {classes[row] for row in rest} == set(classes)


def test_rows_alone_in_their_classes_are_never_held_out():
    assert list(folds(["a", "b", "c"], 5)) == []
    assert [out for _, out in folds(["a", "b", "b"], 5)] == [[1], [2]]


def test_sets_of_labels_are_held_out_where_each_label_is_in_another_row():
    rows = [("a",), ("a", "b"), ("b",), ("a", "c"), ()]
    assert sorted(row for _, out in folds(rows, 5) for row in out) == [0, 1, 2, 4]


def test_rows_that_share_a_rare_label_are_held_out_apart():
    rows = [("rare", "a"), ("a",), ("b",), ("rare", "b"), ("a",), ("b",)]
    for count in (2, 4):
        for rest, out in folds(rows, count):
            assert {name for row in out for name in rows[row]} <= {
                name for row in rest for name in rows[row]
            }


def micro_f1(probabilities, has, threshold):
    given_ = probabilities >= threshold
    return 2 * (given_ & has).sum() / (given_.sum() + has.sum())


@given(
    seed=st.integers(0, 10_000), rows=st.integers(1, 30), labels=st.integers(1, 6),
    steps=st.sampled_from([4, 1000]),
)  # fmt: skip
def test_no_threshold_has_a_higher_f1(seed, rows, labels, steps):
    generator = np.random.default_rng(seed)
    probabilities = generator.integers(0, steps + 1, size=(rows, labels)) / steps
    has = generator.random((rows, labels)) < 0.3
    if not has.any():
        has[0, 0] = True
    found = micro_f1(probabilities, has, set_threshold(probabilities, has))
    best = max(micro_f1(probabilities, has, one) for one in {0.0, *probabilities.ravel()})
    assert found == pytest.approx(best)


def test_of_equally_good_thresholds_the_one_nearest_to_a_half():
    probabilities = np.array([[0.95, 0.1], [0.05, 0.9]])
    has = np.array([[True, False], [False, True]])
    assert set_threshold(probabilities, has) == pytest.approx(0.5)
    assert set_threshold(np.zeros((2, 2)), np.zeros((2, 2), dtype=bool)) == 0.5


def test_the_scope_threshold_gives_up_hardly_any_right_answer():
    generator = np.random.default_rng(0)
    highest, right = generator.random(1000), generator.random(1000) < 0.7
    threshold = scope_threshold(highest, right)
    lost = (highest[right] < threshold).mean()
    assert GIVEN_UP - 0.01 < lost <= GIVEN_UP
    assert scope_threshold(highest[:0], right[:0]) == 0.0
    assert scope_threshold(np.array([0.4, 0.6])) == 0.4  # the lowest: none is given up

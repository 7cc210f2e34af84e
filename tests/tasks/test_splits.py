from collections import Counter

import pytest

from harness.core.errors import DataError
from harness.core.types import Example
from harness.tasks.schema import Splits
from harness.tasks.splits import apportion, draw_test, latest_test, normalised


def examples(*rows):
    return [Example(row, {"text": text}, label) for row, (text, label) in enumerate(rows)]


def divide(rows, test, seed=0, groups=None):
    texts = [str(example.fields["text"]) for example in rows]
    return draw_test(rows, Splits(test=test, seed=seed), texts, labels_of, groups)


def labels_of(example):
    return example.target if isinstance(example.target, tuple) else (example.target,)


MANY = examples(*[(f"text number {i}", "ab"[i % 4 == 0]) for i in range(80)])


def test_normalised():
    assert normalised("  Where's my\tCARD?! ") == normalised("where s my card") == "where s my card"
    assert normalised("Straße…") == "strasse"
    assert normalised("top-up, now") == normalised("top up now") == "top up now"
    assert normalised("a b") != normalised("ab")
    assert normalised("?!") == "?!" != normalised("!!")
    assert normalised("5 €") != normalised("5")


def test_stratified_and_complete():
    train, test = divide(MANY, 0.25)
    assert Counter(example.target for example in test) == {"a": 15, "b": 5}
    assert sorted(example.row for example in train + test) == list(range(80))
    assert [example.row for example in test] == sorted(example.row for example in test)


def test_never_changes():
    # Worked out with sha256sum from the seed and the text, not with this program.
    _, test = divide(examples(*[(f"t{i}", "x") for i in range(6)]), 2)
    assert [example.row for example in test] == [1, 2]


def test_a_seed_gives_another_split():
    assert divide(MANY, 0.25, seed=1)[1] != divide(MANY, 0.25)[1]
    assert divide(MANY, 0.25) == divide(MANY, 0.25)


def test_a_row_added_moves_no_other():
    _, before = divide(MANY, 20)
    _, after = divide([*MANY, Example(80, {"text": "new"}, "a")], 20)
    assert len({e.row for e in before} - {e.row for e in after}) <= 1


def test_equal_texts_stay_together():
    rows = examples(*[(f"{'Hi' if i % 2 else 'hi!'} {i // 4}", "a") for i in range(40)])
    train, test = divide(rows, 0.5)
    sides = [{normalised(str(e.fields["text"])) for e in side} for side in (train, test)]
    assert not sides[0] & sides[1]
    assert len(test) == 20


@pytest.mark.parametrize("test", [3, 5])
def test_too_few_rows(test):
    with pytest.raises(DataError, match="too few rows"):
        divide(MANY[:3], test)


RARE = [(f"x {i}", "often") for i in range(30)]


@pytest.mark.parametrize("seed", range(8))
def test_every_label_keeps_a_text_to_train_on(seed):
    rows = examples(*RARE, ("one", "once"), ("two", "twice"), ("Two!", "twice"), ("p", "pair"),
                    ("q", "pair"), ("x 1", "second"))  # fmt: skip
    train, test = divide(rows, 20, seed)
    labels = {"often", "once", "twice", "pair", "second"}
    assert {example.target for example in train} == labels
    assert {example.target for example in test} == {"often", "pair"}
    assert len(train + test) == len(rows)


def test_labels_that_spare_no_row_leave_their_share_to_the_others():
    rows = examples(*RARE[:8], *[(f"single {i}", f"label {i}") for i in range(8)])
    assert len(divide(rows, 4)[1]) == 4


def test_no_row_can_be_spared():
    with pytest.raises(DataError, match="no row can be spared"):
        divide(examples(("one", "a"), ("two", "b"), ("three", "c")), 1)


def test_apportion_by_largest_remainder():
    assert apportion({"a": 47, "b": 16, "c": 37}, 10) == {"a": 5, "b": 1, "c": 4}
    assert apportion({"a": 1, "b": 1}, 1) == {"a": 1, "b": 0}
    assert apportion({"a": 3}, 0.6) == {"a": 1}


GROUPED = examples(*[(f"mail {i}", "ab"[i % 3 == 0]) for i in range(60)])
CUSTOMERS = [f"customer {i // 4}" for i in range(60)]


@pytest.mark.parametrize("seed", range(5))
def test_a_group_stays_together(seed):
    train, test = divide(GROUPED, 0.25, seed, CUSTOMERS)
    sides = [{CUSTOMERS[example.row] for example in side} for side in (train, test)]
    assert not sides[0] & sides[1]
    assert len(test) == 12, "three groups of four; a fourth would be more than 15"
    assert sorted(example.row for example in train + test) == list(range(60))


def test_groups_that_never_change():
    # Worked out with sha256sum from "0:g0" to "0:g3", not with this program: g1, g0, g2, g3.
    rows = examples(*[(f"t{i}", "x") for i in range(8)])
    _, test = divide(rows, 4, groups=[f"g{i // 2}" for i in range(8)])
    assert [example.row for example in test] == [0, 1, 2, 3]


def test_a_group_that_holds_all_of_a_label_stays_in_train():
    rows = examples(*[("x", "often")] * 20, ("y", "once"), ("z", "often"))
    groups = [f"g{i}" for i in range(20)] + ["last", "last"]
    for seed in range(5):
        train, _ = divide(rows, 15, seed, groups)
        assert {20, 21} <= {example.row for example in train}


def test_one_group_cannot_be_divided():
    with pytest.raises(DataError, match="each label keeps a group to train on"):
        divide(GROUPED, 10, groups=["all"] * 60)


def test_rows_with_several_labels_keep_each_of_them():
    rows = [Example(i, {"text": f"t{i}"}, ("a", "b") if i % 2 else ("a",)) for i in range(20)]
    rows.append(Example(20, {"text": "rare"}, ("a", "c")))
    for seed in range(5):
        train, test = divide(rows, 10, seed)
        assert {label for example in train for label in example.target} == {"a", "b", "c"}
        assert len(test) == 10


def latest(times, test=0.25):
    rows = examples(*[(f"t{i}", "x") for i in range(len(times))])
    return [
        example.row
        for example in latest_test(
            rows, Splits(test=test), times, [f"row {n}" for n in range(len(rows))]
        )[1]
    ]


@pytest.mark.parametrize(
    "times",
    [
        ["2026-03-04", "2025-01-01", "2026-03-05", "2024-12-31"],
        ["2026-03-04T10:00", "2026-03-04T09:59:59", "2026-03-04T10:00:01", "2025-07-01T23:00"],
        ["2026-03-04T10:00+02:00", "2026-03-04T07:00Z", "2026-03-04T08:30+00:00", "2025-01-01"],
        ["9", "-1", "10", "2.5"],
    ],
)
def test_the_latest_rows_are_tested(times):
    assert latest(times) == [2]
    assert latest(times, test=2) == [0, 2]


def test_rows_of_one_moment_stay_together():
    assert latest(["1", "2", "2", "2"], test=3) == [1, 2, 3]
    assert latest(["1", "2", "2", "3"], test=2) == [3], "not one of two rows of the same time"
    with pytest.raises(DataError, match="cannot be told from the others"):
        latest(["1", "1", "1", "1"])


def test_what_is_no_time():
    with pytest.raises(DataError, match="this is no time") as caught:
        latest(["2026-03-04", "4.3.2026"])
    assert "row 1" in str(caught.value)
    assert "found:    '4.3.2026'" in str(caught.value)

from collections import Counter

import pytest

from harness.core.errors import DataError
from harness.core.types import Example
from harness.tasks.schema import Splits
from harness.tasks.splits import apportion, draw_test, normalised


def examples(*rows):
    return [Example(row, {"text": text}, label) for row, (text, label) in enumerate(rows)]


def divide(rows, test, seed=0):
    return draw_test(
        rows, Splits(test=test, seed=seed), lambda example: str(example.fields["text"])
    )


MANY = examples(*[(f"text number {i}", "ab"[i % 4 == 0]) for i in range(80)])


def test_normalised():
    assert normalised("  Where's my\tCARD?! ") == normalised("wheres my card") == "wheres my card"
    assert normalised("Straße…") == "strasse"
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

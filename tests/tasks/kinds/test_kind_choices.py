"""Reading multiple choice."""

import json

import numpy as np
import pytest

from harness.core.types import Example, Label

SOURCE = {"choices": "options", "answer": "right"}
TEXTS = ["red", "green", "blue"]


def asked(*pairs):
    return [{"text": f"q{n}", "options": o, "right": r} for n, (o, r) in enumerate(pairs)]


@pytest.mark.parametrize(
    ("answer_is", "right", "options"),
    [
        ("index", 1, TEXTS),
        ("number", "2", TEXTS),
        ("letter", "B", TEXTS),
        ("text", " green ", TEXTS),
        ("name", "y", {"text": TEXTS, "label": ["x", "y", "z"]}),
        ("name", "2", {"text": TEXTS, "label": [1, 2, 3]}),
        ("index", 1, json.dumps(TEXTS)),
    ],
)
def test_which_choice_is_right(read, answer_is, right, options):
    task = read("multiple_choice", asked((options, right)), SOURCE | {"answer_is": answer_is})
    assert task.train[0] == Example(0, {"text": "q0"}, "B", ("red", "green", "blue"))
    assert task.labels == (Label("A", "A"), Label("B", "B"), Label("C", "C"))
    assert task.rules.items(task.train[0]) == (("q0", "red"), ("q0", "green"), ("q0", "blue"))
    assert task.rules.encode(task.train, task.labels).tolist() == [0, 1, 0]
    assert task.rules.variables() == {"text", "choices", "choice_list"}


def test_a_column_for_each_choice(read):
    rows = [
        {"text": "q0", "a": "x", "b": "y", "c": "z", "right": "C"},
        {"text": "q1", "a": "x", "b": "y", "c": "", "right": "A"},
    ]
    source = {"choices": ["a", "b", "c"], "answer": "right", "answer_is": "letter"}
    task = read("multiple_choice", rows, source)
    assert [row.choices for row in task.train] == [("x", "y", "z"), ("x", "y")]
    assert [row.target for row in task.train] == ["C", "A"]


@pytest.mark.parametrize(
    ("options", "right", "answer_is", "expected"),
    [
        (TEXTS, 3, "index", "this is not one of the row's choices\n  found:    '3'"),
        (TEXTS, 0, "number", "expected: one of 1, 2, 3 (`answer_is: number`)"),
        (TEXTS, "D", "letter", "expected: one of A, B, C"),
        (TEXTS, "a", "name", "the names that the choices do not have"),
        (TEXTS, "", "index", "column 'right'"),
        (["one"], 0, "index", "these are not the choices of a question"),
        ([], 0, "index", "these are not the choices of a question"),
        (["a", " "], 0, "index", "these are not the choices of a question"),
        (["x"] * 27, 0, "index", "expected: 2 to 26 texts"),
        ("a, b", 0, "index", "this cell is not JSON"),
        ({"label": ["x"]}, 0, "index", "wrong value"),
        ([["a"], ["b"]], 0, "index", "wrong value"),
    ],
)
def test_what_is_no_question(refused, options, right, answer_is, expected):
    rows = asked((TEXTS, {"number": 1, "letter": "A"}.get(answer_is, 0)), (options, right))
    if answer_is == "name":
        rows = rows[1:] * 2
    message = refused("multiple_choice", rows, SOURCE | {"answer_is": answer_is})
    assert "train.jsonl:" in message
    assert expected in message


def test_a_test_row_with_more_choices_than_any_row_to_train_on(read):
    rows = asked((["a", "b"], 0))
    task = read("multiple_choice", rows, SOURCE, test=asked((TEXTS, 0)))
    assert [label.name for label in task.labels] == ["A", "B", "C"][: len(TEXTS)]


def test_the_choice_most_likely_to_be_right_is_given(read):
    task = read("multiple_choice", asked((TEXTS, 0), (["a", "b"], 1)), SOURCE)
    right = np.array([0.2, 0.6, 0.2, 0.1, 0.3])
    shares = np.stack([1 - right, right], axis=1)
    predictions = task.rules.decide(shares, task.train, task.labels)
    assert [one.output for one in predictions] == ["B", "B"]
    assert predictions[1].probabilities == pytest.approx((0.25, 0.75, 0.0))
    # The same choices, given for each row.
    rows = np.array([[0.2, 0.6, 0.2], [0.25, 0.75, 0.0]])
    assert [one.output for one in task.rules.decide(rows, task.train, task.labels)] == ["B", "B"]

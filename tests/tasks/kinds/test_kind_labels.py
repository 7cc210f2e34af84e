"""Reading the kinds whose rows have labels: one, or any number."""

import numpy as np
import pytest

from harness.core.types import Example, Label

PAIR = {"fields": {"premise": "p", "claim": "c"}, "label": "gold"}
PAIRS = [
    {"p": "It rains.", "c": "It is wet.", "gold": "yes"},
    {"p": "It rains.", "c": "It is dry.", "gold": "no"},
]
SETS = {"labels": "labels"}


def tagged(*cells):
    return [{"text": f"text {n}", "labels": cell} for n, cell in enumerate(cells)]


def rated(*labels):
    return [{"text": f"text {n}", "label": label} for n, label in enumerate(labels)]


def test_a_pair_is_two_texts(read):
    task = read("text_pair", PAIRS, PAIR)
    assert task.train[1] == Example(1, {"premise": "It rains.", "claim": "It is dry."}, "no")
    assert task.labels == (Label("no", "no"), Label("yes", "yes"))
    assert task.rules.items(task.train[0]) == (("It rains.", "It is wet."),)
    assert task.text(task.train[0]) == "It rains.\nIt is wet."
    assert task.rules.variables() == {"text", "premise", "claim"}
    assert task.rules.encode(task.train, task.labels).tolist() == [1, 0]


def test_an_empty_text_of_a_pair_keeps_its_place(read):
    task = read("text_pair", [{"p": "", "c": "x", "gold": "yes"}, *PAIRS], PAIR)
    assert task.rules.items(task.train[0]) == (("", "x"),)


@pytest.mark.parametrize("fields", [{"a": "p"}, {"a": "p", "b": "c", "d": "gold"}])
def test_a_pair_needs_two_fields(refused, fields):
    message = refused("text_pair", PAIRS, PAIR | {"fields": fields})
    assert "data[0].fields: a pair is two texts" in message


@pytest.mark.parametrize(
    ("cells", "source"),
    [
        (('["b", "a"]', "[]", '["a"]', ""), {}),
        (("b|a", "", " a ", " | "), {"separator": "|"}),
        (("B; a;a", "", "a;", ";;"), {"separator": ";", "label_map": {"B": "b"}}),
    ],
)
def test_any_number_of_labels(read, cells, source):
    task = read("multi_label", tagged(*cells), SETS | source)
    assert [row.target for row in task.train] == [("a", "b"), (), ("a",), ()]
    assert [label.name for label in task.labels] == ["a", "b"]
    expected = np.array([[1, 1], [0, 0], [1, 0], [0, 0]], dtype=bool)
    assert np.array_equal(task.rules.encode(task.train, task.labels), expected)
    assert task.rules.classes(task.train[0]) == ("a", "b")


def test_a_list_of_labels_as_json_itself(read):
    task = read("multi_label", tagged(["a", "b"], [], [1, "b"]), SETS)
    assert [row.target for row in task.train] == [("a", "b"), (), ("1", "b")]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("a, b", "this cell is not JSON"),
        ("a, b", "name a `separator`"),
        ('{"a": 1}', "wrong value"),
        ('"a"', "wrong value"),
        ("[null]", "wrong value"),
        ('[["a"]]', "wrong value"),
        ("[" * 5_000, "this cell is not JSON"),
    ],
)
def test_what_is_no_list_of_labels(refused, cell, expected):
    message = refused("multi_label", tagged('["a", "b"]', cell), SETS)
    assert "train.jsonl:2, column 'labels'" in message
    assert expected in message


def test_an_unknown_label_among_several(refused):
    message = refused(
        "multi_label", tagged("a;b", "a;bb"), SETS | {"separator": ";"}, labels=["a", "b", "cab"]
    )
    assert "train.jsonl:2, column 'labels': unknown label\n  found:    'bb'" in message


def test_labels_are_decided_one_by_one(read):
    task = read("multi_label", tagged("b;a", "c"), SETS | {"separator": ";"})
    shares = np.array([[0.9, 0.5, 0.1], [0.2, 0.4, 0.3]])
    outputs = [one.output for one in task.rules.decide(shares, task.train, task.labels)]
    assert outputs == [("a", "b"), ()]
    outputs = [one.output for one in task.rules.decide(shares, task.train, task.labels, 0.3)]
    assert outputs == [("a", "b"), ("b", "c")]


def test_numbers_are_in_their_order(read):
    task = read("ordinal", rated("10", "9", "-1", "2.5"), {"label": "label"})
    assert [label.name for label in task.labels] == ["-1", "2.5", "9", "10"]


def test_words_need_an_order(refused, read):
    rows = rated("good", "bad", "fair")
    message = refused("ordinal", rows, {"label": "label"})
    assert "the order of the labels is not known\n  found:    'bad'" in message
    task = read("ordinal", rows, {"label": "label"}, labels=["bad", "fair", "good"])
    assert [label.name for label in task.labels] == ["bad", "fair", "good"]


def test_of_ratings_the_median_is_given(read):
    task = read("ordinal", rated("1", "2", "3", "4", "5"), {"label": "label"})
    # The likeliest is 5; half of the mass is reached at 3.
    shares = np.array([[0.2, 0.2, 0.1, 0.15, 0.35], [0.6, 0.1, 0.1, 0.1, 0.1]])
    outputs = [one.output for one in task.rules.decide(shares, task.train[:2], task.labels)]
    assert outputs == ["3", "1"]


def test_a_row_out_of_scope(read):
    task = read("single_label", rated("a", "b", "oos"), {"label": "label"}, out_of_scope="oos")
    assert [label.name for label in task.labels] == ["a", "b"]
    assert (len(task.train), len(task.test), task.out_of_scope_train) == (2, 3, 1)
    shares = np.array([[0.9, 0.1], [0.45, 0.55]])
    outputs = [one.output for one in task.rules.decide(shares, task.test, task.labels, 0.6)]
    assert outputs == ["a", "oos"]
    outputs = [one.output for one in task.rules.decide(shares, task.test, task.labels)]
    assert outputs == ["a", "b"]

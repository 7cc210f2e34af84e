import math

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.types import Example, Prediction
from harness.store.predictions import (
    read_examples,
    read_predictions,
    write_examples,
    write_predictions,
)

SOME = [
    Prediction("lost_card", (0.1, 0.7, 0.2)),
    Prediction('Zürich 卡 \u200f🙂\n,"', (1.0, 0.0, 5e-324)),
    Prediction("", None),
    Prediction("None"),
    Prediction(None, failure="unread"),
    Prediction(None, failure="request"),
    Prediction(None, (0.25, 0.25, 0.5), "unread"),
    Prediction((), (0.25, 0.25, 0.0)),
    Prediction(("lost_card", "", "None"), (1.0, 1.0, 1.0)),
    Prediction(("lost_card",)),
]
texts = st.text(st.characters(exclude_categories=["Cs"]))
shares = st.lists(st.floats(0, 1), max_size=4).map(tuple)
tuples = st.lists(texts, max_size=3).map(tuple)
targets = st.none() | texts | tuples
made = st.builds(
    Prediction, targets, st.none() | shares, st.sampled_from([None, "unread", "request"])
)
examples = st.builds(
    Example,
    row=st.integers(0, 2**40),
    fields=st.fixed_dictionaries({"text": st.none() | texts}),
    target=targets,
    choices=tuples,
)


def test_predictions_come_back(tmp_path):
    rows = [5, 0, 3, 2**40, 7, 8, 9, 10, 11, 12]
    write_predictions(tmp_path / "p", rows, SOME)
    stored = read_predictions(tmp_path / "p")
    assert stored.rows == tuple(rows)
    assert stored.predictions == tuple(SOME)


def test_no_predictions_come_back(tmp_path):
    write_predictions(tmp_path / "p", [], [])
    stored = read_predictions(tmp_path / "p")
    assert (stored.rows, stored.predictions) == ((), ())


@given(st.lists(made, max_size=8))
def test_all_predictions_come_back_bit_for_bit(tmp_path_factory, predictions):
    path = tmp_path_factory.getbasetemp() / "p"
    write_predictions(path, range(len(predictions)), predictions)
    assert read_predictions(path).predictions == tuple(predictions)


def test_the_same_predictions_give_the_same_bytes(tmp_path):
    for name in "ab":
        write_predictions(tmp_path / name, range(len(SOME)), SOME)
    stored = read_predictions(tmp_path / "a")
    write_predictions(tmp_path / "c", stored.rows, stored.predictions)
    assert len({(tmp_path / name).read_bytes() for name in "abc"}) == 1


@pytest.mark.parametrize(
    ("rows", "other"),
    [
        ([0], Prediction("b", (0.5, 0.5))),
        ([0], Prediction("a", (0.5, math.nextafter(0.5, 1)))),
        ([0], Prediction("a")),
        ([0], Prediction(None, (0.5, 0.5))),
        ([0], Prediction("a", (0.5, 0.5), "unread")),
        ([1], Prediction("a", (0.5, 0.5))),
        ([0], Prediction(("a",), (0.5, 0.5))),
        ([0], Prediction((), (0.5, 0.5))),
    ],
)
def test_other_predictions_give_other_bytes(tmp_path, rows, other):
    write_predictions(tmp_path / "a", [0], [Prediction("a", (0.5, 0.5))])
    write_predictions(tmp_path / "b", rows, [other])
    assert (tmp_path / "a").read_bytes() != (tmp_path / "b").read_bytes()


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    write_predictions(tmp_path / "p", [0], [Prediction("a")])
    with pytest.raises(UnicodeEncodeError):
        write_predictions(tmp_path / "p", [0], [Prediction("\ud800")])
    assert read_predictions(tmp_path / "p").predictions == (Prediction("a"),)
    assert [path.name for path in tmp_path.iterdir()] == ["p"]


FIELDS = [
    {"subject": "Grüße aus Köln", "rows": 3, "price": 1.5, "open": True, "note": None, "row": "7"},
    {"subject": "007", "rows": -(2**62), "price": 5e-324, "open": False, "note": None, "row": ""},
    {"subject": None, "rows": None, "price": None, "open": None, "note": None, "row": None},
]


def test_examples_come_back(tmp_path):
    examples = [
        Example(row, fields, target)
        for row, fields, target in zip([4, 2, 9], FIELDS, ["ja", "None", None], strict=True)
    ]
    write_examples(tmp_path / "deep" / "mails.parquet", examples)
    back = read_examples(tmp_path / "deep" / "mails.parquet")
    assert back == examples
    assert [list(example.fields) for example in back] == [list(FIELDS[0])] * 3
    kinds = [type(value) for value in back[0].fields.values()]
    assert kinds == [str, int, float, bool, type(None), str]


@pytest.mark.parametrize(
    ("target", "choices"),
    [((), ()), (("",), ()), (("ja", "None"), ()), ("B", ("nein", "ja")), (None, ("", "x"))],
)
def test_several_right_answers_and_choices_come_back(tmp_path, target, choices):
    written = [Example(0, {"text": "x"}, target, choices), Example(1, {"text": "y"}, "a")]
    write_examples(tmp_path / "x", written)
    assert read_examples(tmp_path / "x") == written


@given(st.lists(examples, max_size=6))
def test_all_examples_come_back(tmp_path_factory, written):
    path = tmp_path_factory.getbasetemp() / "x"
    write_examples(path, written)
    assert read_examples(path) == written


def test_one_answer_and_several_stand_in_columns_of_their_own(tmp_path):
    write_predictions(
        tmp_path / "p", [0, 1, 2], [Prediction("a"), Prediction(()), Prediction(None)]
    )
    columns = pq.read_table(tmp_path / "p").to_pydict()
    assert columns["output"] == ["a", None, None]
    assert columns["outputs"] == [None, [], None]


def test_no_examples_come_back(tmp_path):
    write_examples(tmp_path / "x", [])
    assert read_examples(tmp_path / "x") == []

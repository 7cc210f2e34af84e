"""Reading the kinds that are answered with a text, and reading the answers to them."""

import time

import pytest

from harness.core.types import Example

TAKEN, OPEN = {"answers": "a"}, {"answer": "a"}
SLOTS = {"time": "When?", "people": "How many?"}


def rows(*answers):
    return [{"text": f"text {n}", "a": answer} for n, answer in enumerate(answers)]


@pytest.mark.parametrize(
    ("cell", "right"),
    [
        ("7 pm", ("7 pm",)),
        (" 7 pm ", ("7 pm",)),
        ("", ("",)),
        (None, ("",)),
        (["7 pm", "7", "7 pm"], ("7 pm", "7")),
        ([], ("",)),
        ({"text": ["7 pm"], "answer_start": [3]}, ("7 pm",)),
        ({"text": [], "answer_start": []}, ("",)),
        ({"text": "7 pm"}, ("7 pm",)),
    ],
)
def test_answers_that_are_taken_from_a_text(read, cell, right):
    task = read("extraction", rows(cell), TAKEN)
    assert task.train[0] == Example(0, {"text": "text 0"}, right)
    assert task.labels == ()


def test_every_slot_is_a_question_of_its_own(read):
    cells = ({"time": "7 pm"}, "", {"time": ["7", "7 pm"], "people": "two"})
    task = read("extraction", rows(*cells), TAKEN, slots=SLOTS)
    assert [row.row for row in task.train] == [0, 1, 2, 3, 4, 5]
    assert [row.target for row in task.train] == [
        ("7 pm",), ("",), ("",), ("",), ("7", "7 pm"), ("two",),
    ]  # fmt: skip
    asked = {"text": "text 0", "slot": "people", "question": "How many?"}
    assert task.train[1].fields == asked
    assert task.text(task.train[1]) == "text 0", "an encoder does not read the question"
    assert task.rules.variables() == {"text", "slot", "question"}


@pytest.mark.parametrize(
    ("cell", "slots", "expected"),
    [
        ("[7", {}, "this cell is not JSON"),
        ([None], {}, "wrong value"),
        ({"text": 7}, {}, "wrong value"),
        ("7 pm", SLOTS, "this cell is not JSON"),
        (["7 pm"], SLOTS, "wrong value"),
        ({"tme": "7 pm"}, SLOTS, "did you mean 'time'?"),
        ({"time": 7}, SLOTS, "wrong value"),
    ],
)
def test_what_is_no_answer(refused, cell, slots, expected):
    message = refused("extraction", rows({} if slots else "x", cell), TAKEN, slots=slots)
    assert "train.jsonl:2, column 'a'" in message
    assert expected in message


def test_slots_make_fields_of_their_own(refused):
    fields = {"text": "text", "slot": "a"}
    message = refused("extraction", rows("{}"), TAKEN | {"fields": fields}, slots=SLOTS)
    assert "data[0].fields.slot: `slots` makes a field of this name" in message


def test_spans_are_the_answers_allowed(read):
    task = read("extraction", [{"text": "Book two, please", "a": "two"}], TAKEN, no_answer="no")
    assert task.rules.allowed(task.train[0]) == (
        "Book", "Book two", "Book two, please", "two", "two, please", "please", "no",
    )  # fmt: skip
    assert task.rules.can_constrain


@pytest.mark.parametrize(
    ("written", "read_as"),
    [("7 pm", "7 pm"), (" 7 pm\n", "7 pm"), ("None.", ""), ("NONE", ""), ("", None), (" ", None)],
)
def test_an_answer_is_read(read, written, read_as):
    task = read("extraction", rows("x"), TAKEN)
    assert task.rules.read_answer(written, task.train[0]) == read_as


@pytest.mark.parametrize(
    ("cell", "right"),
    [("Paris", ("Paris",)), (["Paris", " paris ", "Paris"], ("Paris", "paris")), (7, ("7",))],
)
def test_open_answers(read, cell, right):
    task = read("generation", rows(cell), OPEN)
    assert task.train[0].target == right
    assert not task.rules.can_constrain
    assert task.rules.allowed(task.train[0]) == ()


@pytest.mark.parametrize("cell", ["", " ", [], [" "], None])
def test_a_row_needs_an_open_answer(refused, cell):
    message = refused("generation", rows("x", cell), OPEN)
    assert "train.jsonl:2, column 'a': this row has no answer" in message


@pytest.mark.parametrize(
    ("more", "written", "read_as"),
    [
        ({}, " It is Paris. ", "It is Paris."),
        ({}, "  ", None),
        ({"pattern": "answer is (\\w+)"}, "So the answer is 42, I think.", "42"),
        ({"pattern": "[0-9]+"}, "6 times 7", "6"),
        ({"pattern": "answer is (\\w+)"}, "I think 42.", None),
        ({"pattern": "(x)?y"}, "y", None),
        ({"answers": ["yes", "no", "not sure"]}, "Well, NO.", "no"),
        ({"answers": ["yes", "no", "not sure"]}, "I am not sure, yes", "not sure"),
        ({"answers": ["yes", "no"]}, "Nobody knows", None),
    ],
)
def test_what_was_written_is_read(read, more, written, read_as):
    task = read("generation", rows("x"), OPEN, **more)
    assert task.rules.read_answer(written, task.train[0]) == read_as


def test_a_pattern_that_takes_for_ever_has_read_nothing(read):
    task = read("generation", rows("x"), OPEN, pattern="(a+a+)+$")
    started = time.perf_counter()
    assert task.rules.read_answer("a" * 200 + "b", task.train[0]) is None
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"pattern": "("}, "pattern: not a regular expression"),
        ({"pattern": "x", "answers": ["a"]}, "answers: an answer is read by `pattern` or by"),
        ({"answers": ["a", "A"]}, "answers: two answers are the same but for case"),
        ({"answers": ["a", " "]}, "answers: an answer is empty"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 9_999}, "max_tokens"),
        ({"stop": []}, "stop"),
        ({"pattern": "x" * 501}, "pattern"),
        ({"pattern": "(((a{9999}){9999}){9999}){9999}"}, "pattern: the repetitions"),
        ({"pattern": "(?:(?:(?:(?:a?){99}){99}){99}){99}"}, "pattern: the repetitions"),
    ],
)
def test_answers_that_cannot_be_read(refused, more, expected):
    assert expected in refused("generation", rows("x"), OPEN, **more)


def test_what_shapes_an_answer(read):
    task = read("generation", rows("x"), OPEN, stop=["\n\n"], max_tokens=5, answers=["x", "y"])
    assert task.rules.shaping() == {
        "stop": ["\n\n"], "max_tokens": 5, "pattern": None, "answers": ["x", "y"],
    }  # fmt: skip
    task = read("extraction", rows("x"), TAKEN)
    assert task.rules.shaping() == {"stop": ["\n"], "max_tokens": 32, "no_answer": "none"}

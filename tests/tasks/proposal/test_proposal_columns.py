"""Which columns are the text and the label, and which are neither."""

import pytest

from harness.core.errors import DataError, UserError
from harness.tasks.proposal.columns import profile
from harness.tasks.proposal.questions import take_the_guess

LONG = "I wrote to you about number {} and nobody has answered me yet"
LABELS = ("billing", "refund", "delivery")


def constantly(value):
    return lambda _: value


def rows(count=30, **columns):
    """Rows with a text and a label, and whatever functions of the row's number are given."""
    columns = {
        "text": LONG.format,
        "label": lambda number: LABELS[number % 3],
    } | columns
    return [
        {name: make(number) for name, make in columns.items() if make} for number in range(count)
    ]


def label_of(number):
    return LABELS[number % 3]


@pytest.mark.parametrize(
    ("values", "shape"),
    [
        (["0", "1.5", ""], "number"),
        (["2024-01-02", "2024-01-02T10:00"], "date"),
        (["31.12.2024", "01.01.2025 10:30"], "date"),
        (["a@b.org", "http://b.org"], "address"),
        (['["a"]', "[]"], "list"),
        (['{"a": 1}'], "object"),
        (["[not json", "a"], "text"),
        (["", " "], "empty"),
    ],
)
def test_shapes(values, shape):
    assert profile(["x"], [{"x": value} for value in values])["x"].shape == shape


@pytest.mark.parametrize(
    ("columns", "texts", "label"),
    [
        ({}, ["text"], "label"),
        ({"id": str, "date": "2024-01-0{}".format, "from": "p{}@b.org".format}, ["text"], "label"),
        ({"text": None, "Subject": "about no {}".format, "Body": LONG.format},
         ["Subject", "Body"], "label"),
        ({"text": None, "anything": LONG.format}, ["anything"], "label"),
        ({"label": None, "Inquiry class": label_of}, ["text"], "Inquiry class"),
        ({"label": None, "x": label_of}, ["text"], "x"),
        ({"label": None, "intentName": label_of, "customer_id": lambda n: str(n % 4)},
         ["text"], "intentName"),
        ({"business": lambda n: "ab"[n % 2], "score_of_model": lambda n: str(n % 5)},
         ["text"], "label"),
        ({"label": lambda n: str(n % 3), "label_text": label_of}, ["text"], "label_text"),
        ({"text": lambda n: f"t{n}"}, ["text"], "label"),
    ],
)  # fmt: skip
def test_found_without_asking(write, drafted, columns, texts, label):
    shape = drafted(write(rows(**columns))).shape
    assert (list(shape.fields.values()), shape.target) == (texts, label)
    assert shape.kind == "single_label"


def test_fields_are_identifiers(write, drafted):
    made = rows(text=None, **{"Subject line": "no {}".format, "Größe der Mail?": LONG.format})
    fields = drafted(write(made), text=("Subject line", "Größe der Mail?")).shape.fields
    assert fields == {"subject_line": "Subject line", "groe_der_mail": "Größe der Mail?"}


def test_two_labels_are_asked_for(write, drafted):
    path = write(rows(label=None, category=lambda n: "ab"[n % 2], intent=label_of))
    with pytest.raises(UserError) as caught:
        drafted(path)
    message = str(caught.value)
    assert message.startswith("Which column is the label? This is not clear")
    assert "\n    --label category   (2 different values in 30 rows)" in message
    assert "\n    --label intent   (3 different values in 30 rows)" in message
    assert "--yes" in message
    assert drafted(path, decide=take_the_guess).shape.target == "category"
    assert drafted(path, label="intent").shape.target == "intent"


def test_two_texts_are_asked_for(write, drafted):
    path = write(rows(text=None, review=LONG.format, comment=lambda n: f"a comment with no {n}"))
    with pytest.raises(UserError, match=r"--text review --text comment   \(all of them together"):
        drafted(path)
    both = drafted(path, decide=lambda question: question.options[-1], kind="single_label")
    fields = both.shape.fields
    assert fields == {"review": "review", "comment": "comment"}


def test_a_misspelt_column(write, drafted):
    path = write(rows())
    for flag, wish in (("label", "lable"), ("text", ("txt",)), ("group", "labl"), ("time", "tex")):
        with pytest.raises(UserError, match=rf"--{flag}: there is no such column[^$]*did you mean"):
            drafted(path, **{flag: wish})
    with pytest.raises(UserError, match=r"--kind: there is no task kind named 'singel_label'"):
        drafted(path, kind="singel_label")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"label": constantly("one")}, "column 'label': there is one label only"),
        ({"label": "label number {}".format}, "each row has a label of its own"),
        ({"label": None, "note": lambda n: f"{n} {n}"}, "no column of labels is found"),
        ({"label": constantly("")}, "no row has both a text and a label|no column of labels"),
        ({"text": None, "number": str}, "no column of texts is found"),
        ({"text": None, "label": None, "x": str}, "there is one column only"),
    ],
)
def test_mistakes(write, drafted, columns, message):
    with pytest.raises(DataError, match=message):
        drafted(write(rows(**columns)))


def test_a_label_that_is_the_text(write, drafted):
    with pytest.raises(UserError, match="this column is the text already"):
        drafted(write(rows()), text=("text",), label="text")


def test_the_other_file_lacks_a_column(write, drafted):
    path = write(rows())
    other = write(rows(label=None, lable=label_of), "test.csv")
    with pytest.raises(DataError, match=r"test.csv: there is no column 'label'[^$]*'lable'"):
        drafted(path, other)

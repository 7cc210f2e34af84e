"""The kind of a file of every kind, and the YAML that comes of it read back as a task."""

import json

import pytest

from harness.core.errors import DataError, UserError
from harness.prompts.template import load_prompt
from harness.tasks.proposal.labels import choose_prompt
from harness.tasks.task import load_task

TEXT = "I wrote to you about number {} and nobody has answered me yet"
ONE = ["billing", "refund", "delivery"]
SEVERAL = [["billing"], ["refund", "billing"], ["delivery"], ["billing", "delivery"]]


def constantly(value):
    return lambda _: value


def table(count=40, **columns):
    columns = {"text": TEXT.format} | columns
    return [
        {name: make(number) for name, make in columns.items() if make} for number in range(count)
    ]


def joined(separator):
    return lambda number: separator.join(SEVERAL[number % 4])


def choices_of(number):
    return [f"answer {number}", "maybe", "never"]


def one_of(*values):
    return lambda number: values[number % len(values)]


KINDS = {
    "single_label": ({"label": one_of(*ONE)}, {"label": "label"}),
    "numbers as labels": ({"label": one_of("0", "1")}, {"label": "label"}),
    "text_pair": (
        {"text": None, "premise": TEXT.format, "hypothesis": "That is {}".format,
         "label": one_of("entailment", "neutral")},
        {"label": "label"},
    ),
    "text_pair by its labels": (
        {"text": None, "sentence1": TEXT.format, "sentence2": "That is {}".format,
         "label": one_of("0", "1")},
        {"label": "label"},
    ),
    "multi_label": ({"intents": lambda n: SEVERAL[n % 4]}, {"labels": "intents"}),
    "multi_label ;": ({"tags": joined(";")}, {"labels": "tags", "separator": ";"}),
    "multi_label |": ({"tags": joined(" | ")}, {"labels": "tags", "separator": "|"}),
    "ordinal": ({"stars": one_of("5", "1", "3", "2", "4")}, {"label": "stars"}),
    "multiple_choice": (
        {"text": None, "question": TEXT.format, "choices": choices_of, "answer": one_of("0", "2")},
        {"choices": "choices", "answer": "answer", "answer_is": "index"},
    ),
    "multiple_choice by number": (
        {"choices": choices_of, "label": one_of("1", "3")},
        {"choices": "choices", "answer": "label", "answer_is": "number"},
    ),
    "multiple_choice by name": (
        {"choices": lambda n: {"text": choices_of(n), "label": ["1", "2", "3"]},
         "answerKey": one_of("3", "1")},
        {"choices": "choices", "answer": "answerKey", "answer_is": "name"},
    ),
    "multiple_choice in columns": (
        {"choice_a": "answer {}".format, "choice_b": constantly("maybe"),
         "choice_c": constantly("never"), "correct": one_of("C", "A")},
        {"choices": ("choice_a", "choice_b", "choice_c"), "answer": "correct",
         "answer_is": "letter"},
    ),
    "multiple_choice by text": (
        {"A": "answer {}".format, "B": constantly("maybe"), "C": constantly("never"),
         "answer": one_of("maybe", "never")},
        {"choices": ("A", "B", "C"), "answer": "answer", "answer_is": "text"},
    ),
    "extraction": ({"answer": "number {}".format}, {"answers": "answer"}),
    "extraction, SQuAD": (
        {"text": None, "context": TEXT.format, "question": "Which is it, {}?".format,
         "answers": lambda n: {"text": [f"number {n}"], "answer_start": [20]}},
        {"answers": "answers"},
    ),
    "extraction by slots": (
        {"spans": lambda n: {"number": f"number {n}"} if n % 3 else {"who": "nobody"}},
        {"answers": "spans"},
    ),
    "generation": (
        {"text": None, "question": TEXT.format, "answer": "We are sorry, {} is late.".format},
        {"answer": "answer"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", KINDS)
def test_the_kind_and_its_task(write, saved, case):
    columns, keys = KINDS[case]
    kind = "single_label" if case == "numbers as labels" else case.split()[0].strip(",")
    path = write(table(**columns))
    written = saved(path)
    assert (written.draft.shape.kind, dict(written.draft.shape.keys)) == (kind, keys)
    task = load_task(written.path)
    assert (task.kind, len(task.train), len(task.test)) == (kind, written.train, written.test)
    rows = 2 * 40 if "slots" in case else 40
    assert len(task.train) + len(task.test) == rows
    assert task.source["all"].startswith("mails.csv sha256:")


def test_what_a_pair_and_slots_look_like(write, saved):
    columns, _ = KINDS["text_pair by its labels"]
    task = load_task(saved(write(table(**columns))).path)
    assert list(task.train[0].fields) == ["premise", "hypothesis"]
    folder = write(table(**KINDS["extraction by slots"][0]), "more.csv")
    (folder.parent / "mails.yaml").unlink()
    written = saved(folder)
    assert '  number: "What is the number?"\n' in written.path.read_text()
    targets = {(row.fields["slot"], row.target) for row in load_task(written.path).train}
    assert ("who", ("nobody",)) in targets


def test_long_answers_get_room(write, saved):
    long = " ".join(["sorry"] * 40)
    written = saved(write(table(answer=lambda n: f"{n} {long}")))
    assert "\nmax_tokens: 96  # " in written.path.read_text()  # 41 words, 2 tokens each


@pytest.mark.parametrize(
    ("columns", "flags"),
    [
        ({"label": one_of("1", "2", "3")}, ["ordinal", "single_label"]),
        ({"label": one_of("0", "1", "2")}, ["single_label", "ordinal"]),
        ({"label": joined(", ")}, ["multi_label", "single_label"]),
        ({"text": None, "a": TEXT.format, "b": "That is about {} and more".format,
          "label": one_of(*ONE)}, None),
    ],
)  # fmt: skip
def test_a_doubtful_kind_is_asked_for(write, drafted, columns, flags):
    path = write(table(**columns))
    with pytest.raises(UserError, match="This is not clear") as caught:
        drafted(path, **({} if flags else {"text": ("a", "b")}))
    kinds = [word for word in str(caught.value).split() if word in (flags or ["text_pair"])]
    assert kinds == (flags or ["text_pair"])
    for kind in flags or ():
        assert drafted(path, kind=kind).shape.kind == kind


def test_kinds_that_the_columns_do_not_give(write, drafted):
    path = write(table(label=one_of(*ONE)))
    with pytest.raises(DataError, match="the choices of multiple choice are not found"):
        drafted(path, kind="multiple_choice")
    with pytest.raises(DataError, match="what stands between several labels is not clear"):
        drafted(path, kind="multi_label")
    with pytest.raises(UserError, match="a pair is two texts"):
        drafted(path, kind="text_pair")
    assert drafted(path, kind="generation").shape.keys == {"answer": "label"}


def test_jsonl_and_parquet(tmp_path, saved):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    rows = table(labels=lambda n: SEVERAL[n % 4])
    path = tmp_path / "mails.jsonl"
    lines = [json.dumps(row | ({"more": 1} if number else {})) for number, row in enumerate(rows)]
    path.write_text("\n".join(lines))
    written = saved(path)
    assert written.draft.shape.keys == {"labels": "labels"}
    assert written.notes == ["columns that only some rows have are left out: more"]
    written.path.unlink()
    parquet.write_table(pyarrow.table({key: [row[key] for row in rows] for key in rows[0]}),
                        tmp_path / "mails.parquet")  # fmt: skip
    assert saved(tmp_path / "mails.parquet").draft.shape.kind == "multi_label"


@pytest.mark.parametrize(
    ("names", "column", "prompt"),
    [
        (["positive", "Negative"], "label", "sentiment_v1"),
        (["sport", "world"], "topic", "topic_v1"),
        (["positive", "card_lost"], "label", "intent_v1"),
    ],
)
def test_the_prompt(write, drafted, names, column, prompt):
    assert drafted(write(table(**{column: one_of(*names)}))).prompt == prompt


@pytest.mark.parametrize(
    ("kind", "fields", "slots", "prompt"),
    [
        ("extraction", ("text",), ("time", "people"), "extract_slot_v1"),
        ("extraction", ("context", "question"), None, "read_answer_v1"),
        ("generation", ("context", "question"), None, "read_answer_v1"),
        ("extraction", ("context",), None, "extract_v1"),
    ],
)
def test_the_prompt_of_written_answers(kind, fields, slots, prompt):
    assert choose_prompt(kind, [], "answer", fields=fields, slots=slots) == prompt
    assert load_prompt(prompt).name == prompt


@pytest.mark.parametrize(
    ("labels", "known"), [(("low", "middle", "high"), False), (("1", "2", "3"), True)]
)
def test_the_order_of_ratings(write, saved, labels, known):
    written = saved(write(table(label=one_of(*labels))), kind="ordinal")
    assert ("from the lowest up in the YAML" in " ".join(written.notes)) is not known
    assert ("put them from the lowest up" in written.path.read_text()) is not known

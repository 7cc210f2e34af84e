"""Test rows drawn by group and by time, from the YAML to the rows."""

import json

import pytest

from harness.core.errors import UserError
from harness.tasks.kinds import KINDS
from harness.tasks.task import load_task

SOURCES = {
    "single_label": {"label": "label"},
    "text_pair": {"fields": {"one": "text", "two": "other"}, "label": "label"},
    "multiple_choice": {"choices": ["text", "other"], "answer": "index"},
    "multi_label": {"labels": "labels"},
    "ordinal": {"label": "rating"},
    "extraction": {"answers": "label"},
    "generation": {"answer": "label"},
}


@pytest.fixture
def drawn(folder):
    """Draws test rows from 40 mails of ten customers, one mail a day."""

    def drawn(kind, test=0.25, **source):
        mails = [
            {"text": f"mail {n}", "other": f"o {n}", "label": "ab"[n % 2], "labels": [], "index": 0,
             "rating": str(n % 3), "customer": f"c{n % 10}", "sent": f"2026-01-{40 - n:02}"
             if n > 8 else f"2026-02-{9 - n:02}"}
            for n in range(40)
        ]  # fmt: skip
        for mail in mails:
            mail["labels"] = [mail["label"]]
        (folder / "all.jsonl").write_text("\n".join(map(json.dumps, mails)))
        data = {"files": {"all": "all.jsonl"}, "fields": {"text": "text"}} | SOURCES[kind] | source
        content = {"version": 1, "kind": kind, "data": [data], "splits": {"test": test}}
        (folder / "mails.yaml").write_text(json.dumps(content, indent=1))
        return load_task(folder / "mails.yaml")

    return drawn


def test_every_kind_is_there():
    assert SOURCES.keys() == KINDS.entries().keys()


@pytest.mark.parametrize("kind", SOURCES)
def test_the_mails_of_a_customer_stay_together(drawn, kind):
    task = drawn(kind, group="customer")
    train, test = ({row.row % 10 for row in rows} for rows in (task.train, task.test))
    assert not train & test
    assert (len(task.train), len(task.test)) == (32, 8)


@pytest.mark.parametrize("kind", SOURCES)
def test_the_latest_mails_are_tested(drawn, kind):
    task = drawn(kind, time="sent")
    assert [row.row for row in task.test] == list(range(10)), "the first mails were sent last"
    assert [row.row for row in task.train] == list(range(10, 40))


def test_slots_of_a_row_stay_on_one_side(drawn, folder):
    drawn("extraction")
    path = folder / "mails.yaml"
    content = json.loads(path.read_text()) | {"slots": {"x": "X?", "y": "Y?"}}
    content["data"][0] |= {"answers": "slots", "group": "customer"}
    mails = [json.loads(line) | {"slots": {}} for line in (folder / "all.jsonl").open()]
    (folder / "all.jsonl").write_text("\n".join(map(json.dumps, mails)))
    path.write_text(json.dumps(content))
    task = load_task(path)
    train, test = ({row.row // 2 % 10 for row in rows} for rows in (task.train, task.test))
    assert not train & test
    assert (len(task.train), len(task.test)) == (64, 16)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"group": "customer", "time": "sent"}, "data[0].time: test rows are drawn by `group` or"),
        ({"group": "custmer"}, "did you mean 'customer'?"),
        ({"time": "text"}, "this is no time"),
        ({"time": "label", "files": {"train": "all.jsonl"}}, "this is no time"),
    ],
)
def test_what_cannot_be_drawn(drawn, source, expected):
    with pytest.raises(UserError) as caught:
        drawn("single_label", **source)
    assert expected in str(caught.value)

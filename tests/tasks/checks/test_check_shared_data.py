"""The check of data that others have published: its counts are those beside the data."""

import time

import pytest

from harness.core.lookup import shipped
from harness.tasks.check import check_task


def messages(name, shared):
    findings = check_task(shipped("tasks") / f"{name}.yaml", data_dir=shared / "data")
    return {severity: [one.message for one in findings if one.severity == severity]
            for severity in ("error", "warning", "note")}  # fmt: skip


def test_banking77(shared):
    # SOURCE.md beside the data: 25 test rows are in train, 6 of them exactly; 35 to 187 rows a
    # label in train, 40 in test.
    started = time.perf_counter()
    said = messages("banking77", shared)
    assert time.perf_counter() - started < 15
    assert said["error"] == []
    (repeated,) = (one for one in said["warning"] if "that is in train too" in one)
    assert repeated.startswith("25 test rows have a text that is in train too")
    assert "6 of them exactly" in repeated
    assert any(one.startswith("train: 10003 rows, 77 labels, from 35 (") for one in said["note"])
    assert any(one.startswith("test: 3080 rows, 77 labels, from 40 (") for one in said["note"])
    assert not any("looks like" in one for one in said["warning"])


@pytest.mark.parametrize(
    "name",
    ["askubuntu_intents", "bitext_support", "clinc150", "hint3_curekart", "hint3_sofmattress"],
)
def test_no_shipped_task_has_errors(name, shared):
    said = messages(name, shared)
    assert said["error"] == []
    assert not any("verbalizers" in one or "phone" in one for one in said["warning"])


def test_customer_emails_name_nobody():
    findings = check_task("customer_emails")
    assert not [one for one in findings if one.severity == "error"]
    assert not [one for one in findings if "looks like" in one.message]

"""``harness tasks check``: what it finds beyond the data; and what no terminal shall act on."""

import json
from pathlib import Path

import pytest


@pytest.fixture
def changed(task):
    """Writes the small task with some of its keys replaced; gives its path."""

    def change(**keys):
        Path(task).write_text(json.dumps(json.loads(Path(task).read_text()) | keys, indent=1))
        return task

    return change


@pytest.fixture
def problem(harness):
    """Checks a task that has one error; gives what is said."""

    def problem(task):
        result = harness("tasks", "check", task)
        assert result.exit_code == 2
        assert result.stdout.splitlines()[-1] == "1 errors, 0 warnings"
        return result.stdout

    return problem


def test_metrics_and_a_prompt_that_are_there(printed, changed):
    shown = printed("tasks", "check", changed(metrics=["accuracy", "macro_f1"]))
    assert shown.endswith("0 errors, 0 warnings\n")


def test_a_metric_that_is_misspelt(problem, changed):
    shown = problem(changed(metrics=["macro_f1", "acuracy"]))
    assert "error: mails.yaml:" in shown
    assert "there is no metric named 'acuracy'" in shown
    assert "\n  hint:     did you mean 'accuracy'?\n" in shown


def test_a_metric_of_another_kind(problem, changed, monkeypatch):
    from harness.metrics import METRICS, MetricEntry

    other = MetricEntry("bleu", "no.module:Class", "of another kind", kinds=("translation",))
    monkeypatch.setattr(METRICS, "_all", {**METRICS.entries(), "bleu": other})
    shown = problem(changed(metrics=["bleu"]))
    assert "the metric 'bleu' is not for tasks of the kind single_label" in shown
    assert "expected: one of accuracy, " in shown
    assert "bleu" not in shown.partition("expected:")[2]


def test_a_prompt_that_is_misspelt(problem, changed):
    assert "intent_v9" in problem(changed(prompt="intent_v9"))


@pytest.mark.parametrize(
    ("input_", "kinds", "expected"),
    [
        ("Message: {{ subject }}", "[single_label]", "found:    'subject'"),
        ("Message: {{ text }}", "[translation]", "is not for tasks of the kind single_label"),
    ],
)
def test_a_prompt_that_does_not_fit(problem, changed, input_, kinds, expected):
    Path("own_v1.yaml").write_text(
        f'description: My own.\nkinds: {kinds}\ninput: "{input_}"\n'
        'answer: "Intent: {{ label }}"\n'
    )
    assert expected in problem(changed(prompt="own_v1.yaml"))


def test_errors_go_before_strict_warnings(harness, changed):
    Path("train.csv").write_text(Path("test.csv").read_text())
    assert harness("tasks", "check", changed(), "--strict").exit_code == 1
    assert harness("tasks", "check", changed(metrics=["acuracy"]), "--strict").exit_code == 2


def test_nothing_that_a_terminal_acts_on_is_printed(harness, changed):
    path = changed(description="a\u202eb\x1b[31m", licence="MIT\x1f\x0b")
    Path("train.csv").write_text("text,label\n\x1b]0;title\x07hi  there\x1f,pay\nbye,leave\n")
    Path("test.csv").write_text("text,label\n\x1b[2Jmoon,pay\n")
    shown = harness("tasks", "show", path).stdout + harness("tasks", "check", path).stdout
    assert "[pay] ]0;title hi  there\n" in shown
    assert not any(sign in shown for sign in "\x1b\x07\x1f\x0b\u202e")


def test_the_environment_names_the_data_folder_still(printed, task, monkeypatch):
    Path("data").mkdir()
    for name in ("train.csv", "test.csv"):
        Path(name).rename(f"data/{name}")
    monkeypatch.setenv("HARNESS_DATA", "data")
    assert "0 errors" in printed("tasks", "check", task)

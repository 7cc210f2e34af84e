"""``harness tasks show``: the labels as bars, rows of every kind, and the prompt."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROMPT = 'description: Mine.\nkinds: [{kind}]\ninput: "{input}"\nanswer: "A: {{{{ label }}}}"\n'
KINDS = {
    "text_pair": (
        {"fields": {"premise": "p", "claim": "c"}, "label": "gold"},
        [{"p": "It rains.", "c": "It is wet.", "gold": "yes"},
         {"p": "It rains.", "c": "It is dry.", "gold": "no"}],
        "{{ premise }} / {{ claim }}",
        ["[yes]\n  premise: It rains.\n  claim: It is wet.\n", "It rains. / It is wet.\nA:"],
    ),
    "multiple_choice": (
        {"choices": "o", "answer": "r"},
        [{"text": "Which is a fruit?", "o": ["stone", "apple", "hat"], "r": 1},
         {"text": "Which is blue?", "o": ["sky", "snow"], "r": 0}],
        "{{ text }}\\n{{ choice_list }}",
        ["[B] Which is a fruit?\n    A. stone\n  * B. apple\n    C. hat\n",
         "[A] Which is blue?\n  * A. sky\n    B. snow\n",
         f"right  train{' ' * 24}test\nA          1  {'█' * 20}     1  {'█' * 20}\n",
         "Which is a fruit?\n- stone\n- apple\n- hat\nA:"],
    ),
    "multi_label": (
        {"labels": "l", "separator": ";"},
        [{"text": "late and broken", "l": "late;broken"}, {"text": "hello", "l": ""}],
        "{{ text }}",
        ["[broken | late] late and broken\n", "[(none)] hello\n", "\n(none)", "\nbroken", "\nlate"],
    ),
    "ordinal": (
        {"label": "stars"},
        [{"text": "bad", "stars": "1"}, {"text": "good", "stars": "10"},
         {"text": "fair", "stars": "5"}],
        "{{ text }}",
        ["[1] bad\n", "[10] good\n", "\n1 ", "\n5 ", "\n10 "],
    ),
    "extraction": (
        {"answers": "a"},
        [{"text": "Table at 7", "a": ["7", "at 7"]}, {"text": "Hello", "a": ""}],
        "{{ text }}",
        ["[7 | at 7] Table at 7\n", "[(none)] Hello\n", "answer", "\n7 ", "\n(none) "],
    ),
    "generation": (
        {"answer": "a"},
        [{"text": f"question {n}", "a": f"answer {n % 12}"} for n in range(24)],
        "{{ text }}",
        ["[answer 0] question 0\n", "\n(others) ", "\nanswer 9 "],
    ),
}  # fmt: skip


@pytest.fixture
def made():
    """Writes a task of a kind with a prompt of its own, in the current folder; gives its path."""

    def made(kind):
        source, rows, input_, _ = KINDS[kind]
        lines = "\n".join(map(json.dumps, rows))
        for split in ("train", "test"):
            Path(f"{split}.jsonl").write_text(lines, "utf-8")
        files = {"train": "train.jsonl", "test": "test.jsonl"}
        data = {"files": files, "fields": {"text": "text"}} | source
        content = {"version": "1", "kind": kind, "data": [data], "prompt": "own_v1.yaml"}
        Path("made.yaml").write_text(json.dumps(content, indent=1))
        Path("own_v1.yaml").write_text(PROMPT.format(kind=kind, input=input_))
        return "made.yaml"

    return made


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_shown(printed, made, kind):
    shown = printed("tasks", "show", made(kind))
    assert shown.startswith(f"made (version 1, {kind})\n")
    for part in KINDS[kind][-1]:
        assert part in shown
    assert "\nprompt own_v1.yaml, test row 0, without demonstrations:\n" in shown
    assert shown.endswith("\nA:\n")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_checked(printed, made, kind):
    assert "0 errors" in printed("tasks", "check", made(kind))


def test_bars_are_as_long_as_labels_are_frequent(printed, task):
    Path("train.csv").write_text("text,label\n" + "x,pay\n" * 4 + "y,leave\n" * 3 + "z,oos\n" * 9)
    Path("test.csv").write_text("text,label\n" + "x,leave\n" * 5 + "y,oos\n")
    shown = printed("tasks", "show", task, "--set", "out_of_scope=oos", "--set",
                    "prompt=", "--rows", "0")  # fmt: skip
    assert shown.endswith(
        f"label  train{' ' * 24}test\n"
        f"pay        4  {'█' * 20}     0\n"
        f"leave      3  {'█' * 15}          5  {'█' * 20}\n"
        f"oos        0                           1  {'█' * 4}\n"
    )


def test_of_each_label_one_row(printed, task):
    shown = printed("tasks", "show", task)
    assert shown.count("\n[pay] ") == shown.count("\n[leave] ") == 1
    assert shown.count("\n[") == 2
    assert printed("tasks", "show", task, "--rows", "1").count("\n[") == 1
    assert printed("tasks", "show", task, "--rows", "0").count("\n[") == 0


def test_a_task_without_prompt(printed, task):
    assert "prompt" not in printed("tasks", "show", task, "--set", "prompt=")


def test_a_prompt_that_cannot_be_shown_does_not_hide_the_task(harness, task):
    result = harness("tasks", "show", task, "--set", "prompt=intent_v9")
    assert result.exit_code == 0
    assert "[pay] " in result.stdout
    assert "no prompt: --set prompt: there is no prompt named 'intent_v9'" in result.stderr


def test_settings_are_seen(printed, refused, task):
    assert "licence: MIT" in printed("tasks", "show", task, "--set", "licence=MIT")
    assert "--set licens: unknown key" in refused("tasks", "show", task, "--set", "licens=MIT")
    assert "--set: this cannot be set" in refused("tasks", "show", task, "--set", "licence")


def test_a_task_that_includes_another(printed, task):
    Path("mine.yaml").write_text("include: mails.yaml\nversion: 9\n")
    assert printed("tasks", "show", "mine.yaml").startswith("mine (version 9, single_label)")


@pytest.fixture
def many(here):
    """Forty tasks of every kind in ``./tasks``, beside the shipped ones."""
    Path("tasks").mkdir()
    for number in range(40):
        kind = list(KINDS)[number % len(KINDS)]
        data = {"files": {"test": "t.csv"}, "fields": {"text": "text"}} | KINDS[kind][0]
        content = {"version": "1", "kind": kind, "data": [data], "description": f"Task {number}."}
        Path(f"tasks/t{number}.yaml").write_text(json.dumps(content))


def test_many_tasks_are_listed(many, environment):
    code = "import sys; from harness.cli.main import main; main(['tasks', 'list'])"
    listed = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert listed.stdout.count("Task ") == 40
    assert listed.stderr == ""


def test_a_list_loads_nothing_heavy(many, environment):
    code = (
        "import sys; from harness.cli.main import main\n"
        "try: main(['tasks', 'list'])\n"
        "finally: print(*sorted(sys.modules), file=sys.stderr)"
    )
    listed = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True,
                            text=True, check=True)  # fmt: skip
    loaded = set(listed.stderr.split())
    assert "harness.tasks.definition" in loaded
    heavy = {"numpy", "pandas", "pyarrow", "torch", "sklearn", "datasets", "jinja2", "transformers"}
    assert not loaded & heavy

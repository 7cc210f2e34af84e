"""``harness run``."""

import csv
import json
from pathlib import Path

import pytest

from harness.methods import METHODS
from harness.store.manifest import read_manifest

TWO = ("--method", "majority", "--method", "tfidf")


def table(folder):
    with (Path(folder) / "table.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_writes_and_shows_its_table(printed, task):
    shown = printed("run", "--task", task, *TWO, "--labels", "2/class,all", "--draws", "2")
    rows = table("results/mails")
    assert [(row["method"], row["labels"], row["draws"]) for row in rows] == [
        ("majority", "2/class", "2"),
        ("majority", "all", "1"),
        ("tfidf", "2/class", "2"),
        ("tfidf", "all", "1"),
    ]
    assert "mails, 8 test rows" in shown
    assert "cells: 6 computed, 0 reused, 0 failed; texts encoded: 0; prompts run: 0" in shown
    assert shown.endswith("table: results/mails/table.csv\n")
    assert Path("results/mails/cells.csv").is_file()
    assert len(read_manifest(Path("results/mails")).cells) == 6


def test_the_same_command_again_computes_nothing(printed, task):
    arguments = ("run", "--task", task, *TWO, "--out", "run")
    printed(*arguments)
    before = Path("run/table.csv").read_bytes()
    assert "cells: 0 computed, 6 reused, 0 failed" in printed(*arguments)
    assert Path("run/table.csv").read_bytes() == before


def test_a_dry_run_lists_the_cells_and_makes_nothing(printed, task):
    arguments = ("run", "--task", task, *TWO, "--draws", "1", "--out", "run")
    lines = printed(*arguments, "--dry-run").splitlines()
    assert not Path("run").exists()
    assert [line.split()[1:3] for line in lines[:-1]] == [["to", "compute"]] * 2
    assert lines[0].endswith("mails, majority, 8/class labels, draw 1")
    assert lines[-1].startswith("2 cells: 0 there, 2 to compute, about ")
    printed(*arguments)
    lines = printed(*arguments, "--draws", "2", "--dry-run").splitlines()
    identities = {path.name for path in Path("run/cells").glob("[!.]*")}
    there = {line.split()[0] for line in lines if line.split()[1] == "there"}
    assert there == identities
    assert lines[-1].startswith("4 cells: 2 there, 2 to compute, about ")


def test_an_experiment_and_flags_before_its_keys(printed, task):
    content = {"task": task, "method": ["majority"], "draws": 2, "out": "run"}
    Path("exp.yaml").write_text(json.dumps(content))
    printed("run", "exp.yaml")
    assert [row["draws"] for row in table("run")] == ["2"]
    printed("run", "exp.yaml", "--draws", "1", "--out", "other", "--method", "tfidf")
    assert [(row["method"], row["draws"]) for row in table("other")] == [("tfidf", "1")]


def test_chat_is_a_flag_and_a_key_and_the_flag_goes_before(printed, task):
    content = {"task": task, "method": ["zero_shot", "majority"], "out": "run", "chat": "true"}
    Path("exp.yaml").write_text(json.dumps(content))

    def planned(*flags):
        lines = printed("run", "exp.yaml", "--draws", "1", "--dry-run", *flags).splitlines()
        return [line.partition("mails, ")[2].partition(",")[0] for line in lines[:-1]]

    assert planned() == planned("--chat") == ["zero_shot:chat=True", "majority"]
    assert planned("--no-chat") == ["zero_shot", "majority"]
    Path("exp.yaml").write_text(json.dumps(content | {"chat": "no"}))
    assert planned() == ["zero_shot", "majority"]
    assert planned("--chat") == ["zero_shot:chat=True", "majority"]


def test_a_model_that_was_not_trained_to_chat_is_named(harness, task, tiny_causal_lm_folder):
    result = harness(
        "run", "--task", task, "--chat", "--method", "zero_shot", "--method", "majority",
        "--model", f"causal_lm:{tiny_causal_lm_folder}", "--out", "run",
    )  # fmt: skip
    assert result.exit_code == 1
    assert "failed: tiny-llama has no chat template" in result.stderr
    assert "without --chat" in result.stderr
    rows = table("run")
    assert [(row["settings"], bool(row["accuracy"])) for row in rows] == [
        ("chat=True", False),
        ("", True),
    ]


def test_the_spread_over_draws_and_prompts_is_in_the_table(printed, task, tiny_causal_lm_folder):
    flags = [part for name in ("intent_v1", "intent_assistant_v1") for part in ("--prompt", name)]
    flags += ["--model", f"causal_lm:{tiny_causal_lm_folder}", "--method", "few_shot:k=2"]
    printed("run", "--task", task, *flags, "--labels", "2/class", "--draws", "2", "--out", "run")
    rows = table("run")
    assert [row["draws"] for row in rows] == ["2", "2"]
    assert all(row["sd_over_draws"] for row in rows)
    assert rows[0]["sd_over_prompts"] == rows[1]["sd_over_prompts"] != ""


def test_data_of_a_folder_named_by_the_environment(printed, task, monkeypatch):
    Path("data").mkdir()
    for name in ("train.csv", "test.csv"):
        Path(name).rename(f"data/{name}")
    monkeypatch.setenv("HARNESS_DATA", "data")
    printed("run", "--task", task, "--method", "majority", "--out", "run")
    assert len(table("run")) == 1
    Path("other").mkdir()
    for name in ("train.csv", "test.csv"):
        Path(f"other/{name}").write_text(Path(f"data/{name}").read_text())
    content = {"task": task, "method": ["majority"], "data_dir": "other", "out": "second"}
    Path("exp.yaml").write_text(json.dumps(content))
    printed("run", "exp.yaml")
    assert read_manifest(Path("second")).provenance["experiment"]["data_dir"] == "other"


def test_a_method_that_fails_ends_with_1_and_the_rest_is_there(harness, task, monkeypatch):
    from harness.methods.majority import Majority

    def fail(*_):
        raise RuntimeError("no luck")

    monkeypatch.setattr(Majority, "learn", fail)
    result = harness("run", "--task", task, *TWO, "--draws", "1", "--out", "run")
    assert result.exit_code == 1
    (failure,) = [line for line in result.stderr.splitlines() if line.startswith("failed: ")]
    assert "RuntimeError: no luck (details in run/errors/" in failure
    assert Path(failure.rpartition("details in ")[2].rstrip(")")).read_text().startswith("Trace")
    assert "cells: 1 computed, 0 reused, 1 failed" in result.stdout
    rows = table("run")
    assert [bool(row["accuracy"]) for row in rows] == [False, True]
    assert "no luck" in rows[0]["warnings"]
    monkeypatch.undo()


def test_what_shadows_a_shipped_task_warns(harness, task):
    Path("tasks").mkdir()
    Path("tasks/customer_emails.yaml").write_text(Path(task).read_text())
    for name in ("train.csv", "test.csv"):
        Path(name).rename(f"tasks/{name}")
    result = harness("run", "--task", "customer_emails", "--method", "majority")
    assert result.exit_code == 0
    assert "warning: tasks/customer_emails.yaml is used instead of the shipped" in result.stderr
    assert table("results/customer_emails")[0]["test_rows"] == "8"


def test_all_methods_with_tiny_models(printed, task, tiny_causal_lm_folder, tiny_encoder_folder):
    models = (f"causal_lm:{tiny_causal_lm_folder}", f"encoder:{tiny_encoder_folder}")
    flags = [part for model in models for part in ("--model", model)]
    shown = printed(
        "run", "--task", task, *flags, "--labels", "2/class", "--draws", "1", "--limit", "4"
    )
    rows = table("results/mails")
    assert [row["method"] for row in rows] == [entry.name for entry in METHODS]
    assert {row["test_rows"] for row in rows} == {"4"}
    assert " 0 failed; " in shown


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.2, "0 s"), (89, "89 s"), (91, "2 min"), (5300, "88 min"), (9000, "2.5 h")],
)
def test_how_long(seconds, expected):
    from harness.cli.run import _duration

    assert _duration(seconds) == expected

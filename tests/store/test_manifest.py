import dataclasses
import json

import pytest

from harness.core.errors import DataError, UserError
from harness.store.manifest import CellRow, Manifest, TaskRow, read_manifest, write_manifest

CELL = CellRow(
    identity="abc",
    task="mails",
    method="few_shot",
    settings="k=4",
    model="m",
    prompt="intent_v1",
    labels="8/class",
    draw=1,
    train_rows=16,
    notes=("2 of 3 labels are short",),
)
TASK = TaskRow(
    name="mails",
    version="1",
    kind="single_label",
    data_hash="0" * 64,
    labels=("größe", "007"),
    out_of_scope=None,
    test_rows=10,
    metrics=("accuracy",),
    source="train: train.csv",
    majority=0.3,
)
TEXTS = dataclasses.replace(TASK, name="slots", kind="extraction", labels=(), majority=None)
MANIFEST = Manifest(
    tasks={"mails": TASK, "slots": TEXTS},
    cells=(CELL, dataclasses.replace(CELL, identity="def", draw=2, notes=())),
    failures={"def": "it was too warm"},
    seed=7,
    provenance={"environment": {"python": "3.11"}, "models": {}},
)


def test_a_manifest_comes_back(tmp_path):
    write_manifest(tmp_path / "run", MANIFEST)
    assert read_manifest(tmp_path / "run") == MANIFEST


def test_the_same_run_gives_the_same_bytes(tmp_path):
    for name in "ab":
        write_manifest(tmp_path / name, MANIFEST)
    assert len({(tmp_path / name / "manifest.json").read_bytes() for name in "ab"}) == 1


def test_a_manifest_is_read_by_people(tmp_path):
    write_manifest(tmp_path, MANIFEST)
    text = (tmp_path / "manifest.json").read_text("utf-8")
    assert "größe" in text
    assert json.loads(text)["format"] == 2


def test_draws_of_one_row_of_the_table_share_a_group():
    one, other = MANIFEST.cells
    assert one.group == other.group
    for key in ("task", "method", "settings", "model", "prompt", "labels"):
        assert dataclasses.replace(one, **{key: "another"}).group != one.group


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_without_a_run(tmp_path, there):
    if there:
        (tmp_path / "run").mkdir()
    with pytest.raises(UserError, match="holds no run") as caught:
        read_manifest(tmp_path / "run")
    assert caught.value.where == str(tmp_path / "run")
    assert "harness run --out DIR" in str(caught.value)


@pytest.mark.parametrize("content", ['{"format": 1}', "{}", "[]", '{"format": 2', "", '"x"'])
def test_a_manifest_of_another_format_or_of_something_else(tmp_path, content):
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(UserError, match="another format") as caught:
        read_manifest(tmp_path)
    assert caught.value.where == str(tmp_path / "manifest.json")
    assert "format 2" in str(caught.value)
    assert "new folder" in str(caught.value)


@pytest.mark.parametrize("key", ["tasks", "cells", "failures", "seed"])
@pytest.mark.parametrize("value", [None, "text", [1]])
def test_a_damaged_manifest_is_named(tmp_path, key, value):
    write_manifest(tmp_path, MANIFEST)
    path = tmp_path / "manifest.json"
    content = json.loads(path.read_text("utf-8"))
    for damaged in (
        content | {key: value},
        {name: content[name] for name in content if name != key},
    ):
        path.write_text(json.dumps(damaged))
        with pytest.raises(DataError, match=r"manifest\.json(.*\n)*.*run the same command again"):
            read_manifest(tmp_path)


def test_a_cell_of_a_task_that_is_not_there_is_named(tmp_path):
    write_manifest(tmp_path, dataclasses.replace(MANIFEST, tasks={}))
    with pytest.raises(DataError, match="'mails'"):
        read_manifest(tmp_path)

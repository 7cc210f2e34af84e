import json
import textwrap

import pytest

TOY = """
version: 1
kind: single_label
data:
  - files: {train: train.csv, test: test.csv}
    fields: {text: text}
    label: label
labels: [greet, leave, pay]
out_of_scope: none
prompt: intent_v1
licence: CC0-1.0
"""
TRAIN = (
    "text,label\nhi,greet\nhello there,greet\nbye,leave\nwhat?,none\nI pay,pay\nbill please,pay\n"
)
TEST = "text,label\ngood day,greet\nsee you,leave\nmoon,none\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the files of a small task; also the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HARNESS_DATA", raising=False)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "toy.yaml").write_text(TOY)
    (tmp_path / "train.csv").write_text(TRAIN)
    (tmp_path / "test.csv").write_text(TEST)
    return tmp_path


@pytest.fixture
def toy(folder):
    """Writes the small task with some of its lines replaced, or another YAML; gives its path."""

    def write(changes=(), text=TOY):
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = folder / "toy.yaml"
        path.write_text(textwrap.dedent(text))
        return path

    return write


@pytest.fixture
def made(folder):
    """Writes a task of files whose rows are given; gives its YAML.

    ``source`` are further keys of its source, ``more`` further keys of its YAML.
    """

    def made(files, source=None, **more):
        for split, rows in files.items():
            lines = "\n".join(map(json.dumps, rows))
            (folder / f"{split}.jsonl").write_text(lines, "utf-8")
        data = {
            "files": {split: f"{split}.jsonl" for split in files},
            "fields": {"text": "text"},
            "label": "label",
        } | (source or {})
        data = {key: value for key, value in data.items() if value is not None}
        content = {"version": "1", "kind": "single_label", "data": [data]} | more
        path = folder / "made.yaml"
        path.write_text(json.dumps(content, indent=1), "utf-8")
        return path

    return made

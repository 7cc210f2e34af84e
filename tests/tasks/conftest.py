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

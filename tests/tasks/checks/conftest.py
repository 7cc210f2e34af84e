import json

import pytest

from harness.tasks.task import load_task


def named(row):
    return dict(zip(("text", "label"), row, strict=False))


@pytest.fixture
def make(folder):
    """Makes a task of given rows, ``(text, label)`` each; ``more`` are further keys of its YAML."""

    def make(train, test=(("a test row", "a"),), kind="single_label", source=None, **more):
        files = {}
        given = {"train": train, "test": test, "unlabelled": more.pop("unlabelled", ())}
        for split, rows in given.items():
            if rows:
                files[split] = f"{split}.jsonl"
                lines = [json.dumps(row if isinstance(row, dict) else named(row)) for row in rows]
                (folder / files[split]).write_text("\n".join(lines), "utf-8")
        data = {"files": files, "fields": {"text": "text"}} | (source or {"label": "label"})
        content = {"version": "1", "kind": kind, "data": [data]} | more
        (folder / "made.yaml").write_text(json.dumps(content))
        return load_task(folder / "made.yaml")

    return make


@pytest.fixture
def said():
    """Gives what a check says, by severity."""

    def said(findings, severity=None):
        return [one.message for one in findings if severity in (None, one.severity)]

    return said

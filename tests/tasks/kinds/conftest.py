import json

import pytest

from harness.core.errors import UserError
from harness.tasks.task import load_task


@pytest.fixture
def read(folder):
    """Writes a task of a kind whose rows are given, the same for train and test, and loads it.

    ``source`` are further keys of its source, ``more`` further keys of its YAML.
    """

    def read(kind, rows, source, **more):
        files = {}
        for split in ("train", "test"):
            files[split] = f"{split}.jsonl"
            lines = "\n".join(json.dumps(row) for row in more.pop(split, rows))
            (folder / files[split]).write_text(lines, "utf-8")
        source = {"files": files, "fields": {"text": "text"}} | source
        content = {"version": "1", "kind": kind, "data": [source]} | more
        (folder / "made.yaml").write_text(json.dumps(content, indent=1), "utf-8")
        return load_task(folder / "made.yaml")

    return read


@pytest.fixture
def refused(read):
    """Does as ``read`` where something is wrong; gives what is said."""

    def refused(*arguments, **more):
        with pytest.raises(UserError) as caught:
            read(*arguments, **more)
        return str(caught.value)

    return refused

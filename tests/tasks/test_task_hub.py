"""The hub source, against a small server that answers as the hub does."""

import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
import urllib.parse
from pathlib import Path
from typing import ClassVar

import pytest

from harness.core import pins
from harness.core.errors import DataError
from harness.core.files import canonical_json
from harness.tasks.sources import hub
from harness.tasks.task import load_task

REPOSITORY = Path(__file__).parents[2]
COMMIT = "a" * 40
CARD = """---
configs:
- config_name: plus
  data_files:
  - {split: train, path: train.csv}
  - {split: held_out, path: test.csv}
dataset_info:
- config_name: plus
  features:
  - {name: text, dtype: string}
  - name: intent
    dtype: {class_label: {names: {'0': greet, '1': leave}}}
---
"""
FILES = {
    "README.md": CARD.encode(),
    "train.csv": b"text,intent\nhi,0\nbye,1\n",
    "test.csv": b"text,intent\nsee you,1\n",
}
TASK = """
version: 1
kind: single_label
data:
  - hub: me/toy
    config: plus
    splits: {train: train, test: held_out}
    fields: {text: text}
    label: intent
labels: [greet, leave]
"""


class FakeHub(http.server.BaseHTTPRequestHandler):
    requests: ClassVar[list[str]] = []

    def do_GET(self):
        self.requests.append(self.path)
        path = urllib.parse.urlparse(self.path).path
        if path.startswith("/api/datasets/me/toy/tree/"):
            self.answer(200, json.dumps([self.entry(name) for name in FILES]).encode())
        elif path.startswith("/api/datasets/me/toy"):
            siblings = [{"rfilename": name} for name in FILES]
            about = {"id": "me/toy", "sha": COMMIT, "private": False, "siblings": siblings}
            self.answer(200, json.dumps({**about, "tags": [], "downloads": 0, "likes": 0}).encode())
        elif path.removeprefix(f"/datasets/me/toy/resolve/{COMMIT}/") in FILES:
            name = path.rpartition("/")[2]
            self.answer(200, FILES[name], ETag=f'"{self.entry(name)["oid"]}"')
        else:
            self.answer(404, b"{}", **{"X-Error-Code": "EntryNotFound"})

    do_HEAD = do_GET  # noqa: N815

    def entry(self, name):
        content = FILES[name]
        oid = hashlib.sha1(content).hexdigest()
        return {"type": "file", "path": name, "size": len(content), "oid": oid}

    def answer(self, status, body, **headers):
        self.send_response(status)
        for key, value in {**headers, "X-Repo-Commit": COMMIT}.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    FakeHub.requests.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), FakeHub)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


SHOW = """
import json, sys
from harness.core.errors import UserError
from harness.tasks.task import load_task
try:
    task = load_task(sys.argv[1])
    print(json.dumps({
        "train": [[e.fields["text"], e.target] for e in task.train],
        "test": [[e.fields["text"], e.target] for e in task.test],
        "source": task.source,
        "imported": "datasets" in sys.modules,
    }))
except UserError as error:
    print(json.dumps({"error": str(error)}))
"""


def load_apart(path, endpoint):
    """Loads a task in a process of its own: the hub's address is read when it is imported."""
    environment = {
        **os.environ,
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(path.parent / "hf"),
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_XET": "1",
        "PYTHONPATH": str(REPOSITORY),
    }
    done = subprocess.run(
        [sys.executable, "-c", SHOW, str(path)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_first_download_pins_and_later_reads_need_no_network(toy, folder, server):
    pytest.importorskip("datasets")
    path = toy(text=TASK)
    first = load_apart(path, server)
    assert "error" not in first, first
    assert first["train"] == [["hi", "greet"], ["bye", "leave"]]
    assert first["test"] == [["see you", "leave"]]
    assert first["source"]["test"] == f"hub me/toy plus@{COMMIT}"
    assert json.loads((folder / "cache/pins.json").read_text()) == {"dataset me/toy@main": COMMIT}
    assert FakeHub.requests
    assert all(COMMIT in request for request in FakeHub.requests[1:])

    FakeHub.requests.clear()
    again = load_apart(path, server)
    assert again == {**first, "imported": False}
    assert FakeHub.requests == []


def test_no_network_says_what_was_tried(toy, server):
    pytest.importorskip("datasets")
    answer = load_apart(toy(text=TASK), "http://127.0.0.1:9")
    assert "hub data set me/toy: " in answer["error"]
    assert "--data-dir" in answer["error"]


class Column(list):
    names = ("greet", "leave")


class FakeData:
    def __init__(self, **columns):
        self.columns = columns
        self.column_names = list(columns)
        self.features = {name: Column() if name == "intent" else None for name in columns}

    def __getitem__(self, name):
        return self.columns[name]


@pytest.fixture
def loaded(monkeypatch):
    """Stands in for `datasets.load_dataset`; gives the calls it got."""
    datasets = pytest.importorskip("datasets")
    calls = []

    def load(name, config, **options):
        calls.append((name, config, options["revision"], options["split"]))
        return FakeData(text=["a", "b"], intent=[0, 1], more=[1, 2])

    monkeypatch.setattr(datasets, "load_dataset", load)
    return calls


def test_the_pinned_commit_is_asked_for(toy, loaded):
    pins.record("dataset me/toy@v2", "b" * 40)
    load_task(toy([("config: plus", "config: plus\n    revision: v2")], TASK))
    assert loaded[0] == ("hf://datasets/me/toy", "plus", "b" * 40, "train")
    assert [call[3] for call in loaded] == ["train", "held_out"]


def test_a_commit_needs_no_pin(toy, loaded):
    load_task(toy([("config: plus", f"revision: {'c' * 40}")], TASK))
    assert loaded[0][1:3] == (None, "c" * 40)
    assert pins.pin(f"dataset me/toy@{'c' * 40}") is None


def test_a_missing_column(toy, loaded):
    changes = [("label: intent", "label: intnt"), ("config: plus", f"revision: {'c' * 40}")]
    with pytest.raises(DataError, match=r"me/toy@cccccccccccc train: there is no column 'intnt'"):
        load_task(toy(changes, TASK))


def test_a_mistake_in_the_yaml_is_no_missing_network(toy, monkeypatch):
    datasets = pytest.importorskip("datasets")

    def load(*args, **options):
        raise ValueError("BuilderConfig 'plus' not found. Available: ['small']\nmore")

    monkeypatch.setattr(datasets, "load_dataset", load)
    pins.record("dataset me/toy@main", COMMIT)
    with pytest.raises(DataError, match=r"toy.yaml:5: data\[0\].hub: .*Available: \['small'\]$"):
        load_task(toy(text=TASK))


def test_a_class_label_without_value_is_no_label():
    data = FakeData(text=["a", None, "c"], intent=[1, -1, None])
    rows = hub._rows(data, ["text", "intent"], "x")
    assert canonical_json(rows) == canonical_json(
        [{"text": "a", "intent": "leave"}, {"text": "", "intent": ""}, {"text": "c", "intent": ""}]
    )

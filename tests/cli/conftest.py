"""The command line, called in this process as a shell would call it."""

import json
import os
import signal
import warnings
from pathlib import Path

import pytest
from click.testing import CliRunner

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """An empty current folder, and no settings from outside."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("HARNESS_DATA", raising=False)
    return folder


@pytest.fixture
def harness(monkeypatch):
    """Calls ``harness`` with arguments; whatever happens, there is no traceback."""
    from harness.cli.main import main

    terminate = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # put back afterwards

    def harness(*arguments):
        result = CliRunner().invoke(main, [str(part) for part in arguments], prog_name="harness")
        assert result.exc_info[0] is SystemExit, result.exc_info
        assert "Traceback" not in result.output
        return result

    yield harness
    signal.signal(signal.SIGTERM, terminate)


@pytest.fixture
def refused(harness):
    """Calls ``harness`` with a mistake; gives what it says. It ends with 2 and prints nothing."""

    def refused(*arguments):
        result = harness(*arguments)
        assert (result.exit_code, result.stdout) == (2, ""), result.output
        return result.stderr

    return refused


@pytest.fixture
def printed(harness):
    """Calls ``harness`` when all is well; gives what it prints."""

    def printed(*arguments):
        result = harness(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    return printed


@pytest.fixture
def environment(tmp_path):
    """The environment of a process that runs ``python -m harness`` from anywhere."""
    return os.environ | {"PYTHONPATH": str(ROOT), "HARNESS_CACHE": str(tmp_path / "cache")}


@pytest.fixture
def task(here):
    """A small task in the current folder: ``mails.yaml``."""
    source = {"files": {"train": "train.csv", "test": "test.csv"}, "fields": {"text": "text"}}
    content = {
        "version": "1",
        "kind": "single_label",
        "description": "Mails of two kinds.",
        "data": [source | {"label": "label"}],
        "labels": ["pay", "leave"],
        "prompt": "intent_v1",
        "licence": "CC0-1.0",
    }
    Path("mails.yaml").write_text(json.dumps(content, indent=1))
    for name, rows in (("train", 6), ("test", 4)):
        lines = [f"{name} {n} I {label},{label}" for n in range(rows) for label in ("pay", "leave")]
        Path(f"{name}.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    return "mails.yaml"


@pytest.fixture
def run_dir(task, printed):
    """The folder of a run of two methods."""
    printed("run", "--task", task, "--method", "majority", "--method", "tfidf", "--out", "run",
            "--labels", "2/class,all", "--draws", "2")  # fmt: skip
    return Path("run")

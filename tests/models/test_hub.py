import sys
import types

import pytest

from harness.core import pins
from harness.core.errors import ModelError
from harness.models.hub import HubModel, parse_hub_id

COMMIT, LATER = "a" * 40, "b" * 40


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub whose main branch is at COMMIT, and which notes the revisions it is asked for."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    asked = []
    hub = types.SimpleNamespace(head=COMMIT, asked=asked, error=None, options={})

    def snapshot_download(repo, *, revision, **options):
        asked.append(revision)
        hub.options = options
        if hub.error:
            raise hub.error
        folder = tmp_path / "hub" / (hub.head if revision == "main" else revision)
        folder.mkdir(parents=True, exist_ok=True)
        return str(folder)

    fake = types.ModuleType("huggingface_hub")
    fake.snapshot_download = snapshot_download
    bars = types.ModuleType("huggingface_hub.utils.tqdm")
    bars.disable_progress_bars = lambda: None
    monkeypatch.setitem(sys.modules, fake.__name__, fake)
    monkeypatch.setitem(sys.modules, bars.__name__, bars)
    return hub


def test_ids():
    assert parse_hub_id("org/name") == HubModel("org/name", "main")
    assert parse_hub_id("org/name.v2@refs/pr/1") == HubModel("org/name.v2", "refs/pr/1")
    for spec in (
        "name",
        "./org/name",
        "a/b/c",
        "org/name@",
        "org/",
        "../name",
        "org/..",
        "C:\\x/y",
    ):
        assert parse_hub_id(spec) is None, spec


def test_a_branch_is_held_to_the_commit_first_seen(hub):
    model = HubModel("org/name", "main")
    assert model.commit is None
    assert model.download()[1] == COMMIT
    assert pins.pin("model:org/name@main") == COMMIT
    hub.head = LATER
    assert model.commit == COMMIT
    assert model.download()[1] == COMMIT
    assert hub.asked == ["main", COMMIT]


def test_of_two_processes_the_first_decides(hub, monkeypatch):
    monkeypatch.setattr(pins, "record", lambda *_: LATER)
    folder, commit = HubModel("org/name", "main").download()
    assert (folder.name, commit) == (LATER, LATER)


def test_a_commit_needs_no_pin(hub):
    model = HubModel("org/name", COMMIT)
    assert model.commit == COMMIT
    assert model.download()[1] == COMMIT
    assert pins.pin(f"model:org/name@{COMMIT}") is None


def test_neither_pickles_nor_code_are_fetched(hub):
    HubModel("org/name", "main").download()
    assert not [name for name in hub.options["allow_patterns"] if name.endswith((".bin", ".py"))]


def test_a_failure_says_what_was_tried_and_what_else_there_is(hub):
    hub.error = ConnectionError("no route\nto host")
    with pytest.raises(ModelError) as caught:
        HubModel("org/name", "main").download()
    message = str(caught.value)
    for part in ("repository org/name, revision main", "no route", "all-minilm-l6-v2", "HF_TOKEN"):
        assert part in message
    assert pins.pin("model:org/name@main") is None

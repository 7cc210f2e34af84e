"""Models made from others, from the plan to the table: one for each task, shared by its cells."""

import shutil

import pytest

from harness.core.files import read_json
from harness.models.derived import derived_folder
from harness.models.room import ModelRoom
from harness.runs import models as run_models
from harness.runs.execute import execute
from harness.store.cells import CellStore
from harness.store.manifest import read_manifest
from harness.training.deriving import MARKER


@pytest.fixture
def derived(monkeypatch):
    """Collects the identity and the texts of each model that is asked to be made."""
    asked, derive = [], run_models.derive

    def watched(base, how, texts, *, identity, name):
        asked.append((identity, tuple(texts)))
        return derive(base, how, texts, identity=identity, name=name)

    monkeypatch.setattr(run_models, "derive", watched)
    return asked


@pytest.fixture
def adapted(tiny_encoder_folder):
    return f"encoder:adapted({tiny_encoder_folder},batch_size=4,min_steps=2)"


@pytest.fixture
def two_tasks(tiny_task_folder, tmp_path):
    """The tiny task, and the same with one training text less."""
    other = tmp_path / "tasks" / "other"
    shutil.copytree(tiny_task_folder, other)
    lines = (other / "train.csv").read_text("utf-8").splitlines(keepends=True)
    (other / "train.csv").write_text("".join(lines[:-1]), "utf-8")
    return [str(tiny_task_folder), str(other)]


def test_an_adapted_model_is_made_once_a_task(plan, derived, adapted, two_tasks, tmp_path):
    planned = plan("prototypes", "nearest_neighbours", task=two_tasks, model=[adapted])
    outcome = execute(planned, tmp_path / "run", ModelRoom(tmp_path / "outputs"))
    assert not outcome.failures
    identities, texts = zip(*derived, strict=True)
    assert len(set(identities)) == len(set(texts)) == len(derived) == 2
    assert all(derived_folder(identity).is_dir() for identity in identities)
    assert {one.identity for cell in planned.cells for one in cell.models} == set(identities)


def test_what_adapting_costs_is_charged_to_every_cell(run, models, adapted, derived):
    outcome, run_dir = run(
        "prototypes", "nearest_neighbours", model=[models[1], adapted], draws=1, folder="first"
    )
    assert not outcome.failures
    cells = read_manifest(run_dir).cells
    tokens = {
        (cell.method, "adapted" in cell.model): CellStore(run_dir).costs(cell.identity)["tokens"]
        for cell in cells
    }
    [(identity, _)] = derived
    made = read_json(derived_folder(identity) / MARKER)["tokens"]
    assert made > 0
    for method in ("prototypes", "nearest_neighbours"):
        assert tokens[method, True] == tokens[method, False] + made

"""The published result of the MTEB leaderboard, reached through the project's own runner.

Protocol (mteb 1.12.75) and figures: see ``golden/README.md`` in the folder ``shared``. The ten
accuracies are those published for sentence-transformers/all-MiniLM-L6-v2 on Banking77.
"""

import json

import numpy as np
import pytest

from harness.models.room import ModelRoom
from harness.runs.execute import execute
from harness.runs.experiment import read_experiment
from harness.runs.plan import make_plan
from harness.store.cells import CellStore

PUBLISHED = (
    0.79805, 0.80162, 0.81299, 0.80552, 0.79188, 0.80487, 0.79091, 0.78896, 0.80909, 0.80032,
)  # fmt: skip
ROWS_OFF = 3  # what another linear algebra library may change
EACH = 8

pytestmark = pytest.mark.slow


def protocol_rows(task):
    """The training rows of the ten experiments: one list, shuffled again and again."""
    indices = list(range(len(task.train)))
    experiments = []
    for _ in range(len(PUBLISHED)):
        np.random.RandomState(42).shuffle(indices)
        taken, counts = [], {}
        for row in indices:
            label = task.train[row].target
            if counts.get(label, 0) < EACH:
                counts[label] = counts.get(label, 0) + 1
                taken.append(row)
        experiments.append(taken)
    return experiments


@pytest.fixture(scope="module")
def run(shared, default_models, tmp_path_factory):
    """Runs methods on Banking77 with the default encoder; its embeddings are computed once."""
    resolved = default_models("encoder")
    folder = tmp_path_factory.mktemp("banking77")
    room = ModelRoom(folder / "cache")

    def go(**flags):
        flags = {"task": ("banking77",), "data_dir": str(shared / "data"), **flags}
        asked = read_experiment(None, flags)
        plan = make_plan(asked, lambda _spec, _kind: resolved.identity)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("harness.models.room.resolve", lambda _spec, _kind: resolved)
            outcome = execute(plan, folder / "run", room)
        assert not outcome.failures
        gold = [example.target for example in plan.tasks[0].test]
        accuracies = []
        for cell in plan.cells:
            made = CellStore(folder / "run").predictions(cell.row.identity).predictions
            hits = sum(one.output == target for one, target in zip(made, gold, strict=True))
            accuracies.append(hits / len(gold))
        return accuracies

    return go


def test_linear_probe_reaches_the_ten_published_accuracies(run, shared, tmp_path):
    from harness.tasks.task import load_task

    task = load_task("banking77", data_dir=shared / "data")
    listed = tmp_path / "mteb.json"
    listed.write_text(json.dumps(protocol_rows(task)))
    accuracies = run(
        method=("linear_probe:C=1,max_iter=100,seed=42,label_examples=0",),
        labels=(f"rows:{listed}",),
        draws=10,
    )
    off = np.abs(np.array(accuracies) - PUBLISHED) * len(task.test)
    assert off.max() <= ROWS_OFF + 0.05  # the published figures have five digits


def test_nearest_neighbours_with_the_whole_training_set(run):
    [accuracy] = run(method=("nearest_neighbours",), labels=("all",))
    assert accuracy >= 0.91


def test_label_names_alone(run):
    [accuracy] = run(method=("label_embedding:text=names",))
    assert accuracy >= 0.60

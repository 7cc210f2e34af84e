"""Every shipped task whose data are at hand, from its YAML to its table, on 20 test rows."""

import pytest

from harness.core.lookup import shipped
from harness.metrics import metrics_for
from harness.models.room import ModelRoom
from harness.reports.table import write_tables
from harness.runs.execute import execute
from harness.runs.experiment import read_experiment
from harness.runs.plan import make_plan
from harness.tasks.definition import read_definition

pytestmark = pytest.mark.slow

TASKS = shipped("tasks")
FILES = {path.stem: path for path in TASKS.glob("*.yaml")} | {
    path.parent.name: path for path in TASKS.glob("*/task.yaml")
}
HERE = sorted(
    name for name, path in FILES.items() if read_definition(path).definition.data[0].files
)
ROWS = 20
METHODS = {
    "text": ("majority", "zero_shot", "few_shot:k=4", "few_shot:k=2,constrained=true"),
    "others": (
        "majority", "tfidf:C=10", "zero_shot:texts=16", "label_embedding", "few_shot:k=4,texts=16",
        "nearest_neighbours", "prototypes", "linear_probe:C=10",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def room(default_models, tmp_path_factory):
    """The default models behind one cache of outputs."""
    found = {kind: default_models(kind) for kind in ("encoder", "causal_lm")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("harness.models.room.resolve", lambda _spec, kind: found[kind])
        yield ModelRoom(tmp_path_factory.mktemp("cache")), found


def test_these_have_their_data_at_hand():
    assert len(HERE) >= 14
    assert {"customer_emails_transfer", "nlupp_transfer"} <= set(HERE)


@pytest.mark.parametrize("name", HERE)
def test_it_runs(name, room, shared, tmp_path):
    models, found = room
    file = read_definition(FILES[name])
    rules, labels = file.rules, "source+24" if file.definition.has_source_domain else "24"
    methods = METHODS["text" if rules.answer == "text" else "others"]
    flags = {
        "task": (str(FILES[name]),), "method": methods, "labels": (labels,), "draws": 1,
        "limit": ROWS, "data_dir": str(shared / "data"),
    }  # fmt: skip
    plan = make_plan(read_experiment(None, flags), lambda _spec, kind: found[kind].identity)
    outcome = execute(plan, tmp_path, models)
    assert not outcome.failures
    table = write_tables(tmp_path)
    assert list(table["method"]) == [text.partition(":")[0] for text in methods]
    assert set(table["test_rows"]) == {ROWS}
    for metric in metrics_for(rules.name, scope=rules.out_of_scope is not None):
        if not metric.per_class:
            assert metric.name in table
    primary = metrics_for(rules.name, scope=False)[0].name
    assert table[primary].notna().all()
    assert table[primary].between(0, 1).all()

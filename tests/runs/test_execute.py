"""Cells are computed once, with the same bytes however the work was cut, and charged alike."""

import dataclasses
import shutil
import time
import warnings

import pytest

from harness.core.errors import HarnessError
from harness.core.files import read_json
from harness.methods import METHODS
from harness.methods.base import Method
from harness.methods.spec import MethodSpec
from harness.runs import execute as execute_module
from harness.runs.execute import OtherRunWarning, describe, execute
from harness.store.cells import CellStore
from harness.store.manifest import examples_file, read_manifest
from harness.store.predictions import read_examples

CELLS = 11 * 4 + 2
"""Two budgets of two draws for each method that learns from labels, one cell for the others."""
pytestmark = pytest.mark.filterwarnings("ignore:.*holds the run of another command")


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Eight test rows come in three blocks."""
    monkeypatch.setattr(execute_module, "BLOCK_ROWS", 3)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def finished(kept, all_methods, run, tmp_path):
    """A folder ``run`` and a cache ``outputs`` in which all methods have run: a copy of a first."""
    if not (kept / "run").exists():
        outcome, _ = run(*all_methods, labels=["1/class,2/class"])
        assert not outcome.failures
        for name in ("run", "outputs"):
            shutil.copytree(tmp_path / name, kept / name)
    else:
        for name in ("run", "outputs"):
            shutil.copytree(kept / name, tmp_path / name)
    return tmp_path / "run"


def costs(run_dir):
    store = CellStore(run_dir)
    return {cell.identity: store.costs(cell.identity) for cell in read_manifest(run_dir).cells}


def tokens(run_dir):
    return {identity: cost["tokens"] for identity, cost in costs(run_dir).items()}


def test_the_methods_of_these_tests_are_all_there_are(all_methods):
    assert [name.partition(":")[0] for name in all_methods] == [entry.name for entry in METHODS]


def test_all_methods_end_to_end(finished, tiny_task):
    manifest = read_manifest(finished)
    assert manifest.failures == {}
    assert len(manifest.cells) == CELLS
    store = CellStore(finished)
    rows = tuple(example.row for example in tiny_task.test)
    names = {label.name for label in tiny_task.labels}
    for cell in manifest.cells:
        stored = store.predictions(cell.identity)
        assert stored.rows == rows
        assert {made.output for made in stored.predictions} <= names
        assert all(made.failure is None for made in stored.predictions)
        for made in stored.predictions:
            assert sum(made.probabilities) == pytest.approx(1)
        assert store.record(cell.identity)["method"] == cell.method
    assert read_examples(examples_file(finished, "tiny")) == list(tiny_task.test)


def test_a_finished_run_leaves_no_partial_cells(finished):
    assert not list((finished / "cells").glob(".*.partial"))
    assert not list(finished.rglob("*.tmp"))


def test_a_second_run_computes_nothing_and_its_tables_have_the_same_bytes(
    finished, all_methods, run
):
    before = {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()}
    outcome, _ = run(*all_methods, labels=["1/class,2/class"])
    assert (outcome.computed, outcome.reused) == (0, CELLS)
    assert (outcome.texts_encoded, outcome.prompts_run) == (0, 0)
    assert {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()} == before


def test_a_second_run_loads_no_model(finished, all_methods, plan):
    class NoRoom:
        texts_encoded = prompts_run = 0

    outcome = execute(plan(*all_methods, labels=["1/class,2/class"]), finished, NoRoom())
    assert (outcome.computed, outcome.failures) == (0, {})


def test_another_folder_with_the_same_cache_runs_no_model_and_ends_the_same(
    finished, all_methods, run, cell_bytes, unmeasured
):
    outcome, other = run(*all_methods, labels=["1/class,2/class"], folder="other")
    assert outcome.computed == CELLS
    assert (outcome.texts_encoded, outcome.prompts_run) == (0, 0)
    assert cell_bytes(other) == cell_bytes(finished)
    assert unmeasured(other) == unmeasured(finished)
    assert tokens(other) == tokens(finished)


def test_another_cache_ends_the_same_too(finished, all_methods, run, cell_bytes, unmeasured):
    outcome, other = run(*all_methods, labels=["1/class,2/class"], folder="other", cache="empty")
    assert outcome.texts_encoded
    assert outcome.prompts_run
    assert cell_bytes(other) == cell_bytes(finished)
    for name in ("table.csv", "cells.csv"):
        assert unmeasured(other, name) == unmeasured(finished, name)


def test_the_seconds_of_outputs_are_charged_again_exactly(run, monkeypatch):
    # With a clock that stands still, all the seconds left are those of the outputs.
    _, first = run("prototypes", "zero_shot")
    charged = {}
    for folder in ("second", "third"):
        monkeypatch.setattr(execute_module.time, "perf_counter", lambda: 0.0)
        _, run_dir = run("prototypes", "zero_shot", folder=folder)
        charged[folder] = costs(run_dir)
    for name, cost in charged["second"].items():
        own = ("fit_seconds", "predict_seconds", "tokens")
        assert [cost[key] for key in own] == [charged["third"][name][key] for key in own]
        assert 0 < cost["predict_seconds"] <= costs(first)[name]["predict_seconds"]


def test_tokens_are_counted_exactly(finished, tiny_task, tiny_encoder, plan):
    from harness.models.encoder import tokenise

    model = tiny_encoder.load()
    for cell in plan("prototypes", labels=["1/class,2/class"]).cells:
        texts = {tiny_task.text(example) for example in (*cell.train, *tiny_task.test)}
        texts |= {label.words for label in tiny_task.labels}
        expected = sum(len(ids) for ids in tokenise(model, sorted(texts)))
        assert tokens(finished)[cell.row.identity] == expected


def test_a_run_in_two_halves_ends_as_one_run(finished, all_methods, run, unmeasured, cell_bytes):
    run("prototypes", folder="halves", cache="halves_cache", labels=["2/class"], draws=1)
    run(*all_methods, folder="halves", cache="halves_cache", labels=["1/class,2/class"], limit=3)
    _, halves = run(*all_methods, folder="halves", cache="halves_cache", labels=["1/class,2/class"])
    for name in ("table.csv", "cells.csv"):
        assert unmeasured(halves, name) == unmeasured(finished, name)
    whole = cell_bytes(finished)
    assert {name: cell_bytes(halves)[name] for name in whole} == whole


def test_methods_in_another_order_cost_and_predict_the_same(finished, all_methods, run, cell_bytes):
    _, other = run(
        *all_methods[::-1], labels=["2/class,1/class"], folder="other", cache="other_cache"
    )
    assert cell_bytes(other) == cell_bytes(finished)
    assert tokens(other) == tokens(finished)


def test_each_distinct_text_is_encoded_once(run, tiny_task):
    outcome, _ = run("prototypes", "linear_probe", "nearest_neighbours", labels=["all"])
    texts = {tiny_task.text(example) for example in (*tiny_task.train, *tiny_task.test)}
    words = {label.words for label in tiny_task.labels}
    assert outcome.texts_encoded == len(texts | words)


def test_blocks_do_not_change_predictions(finished, all_methods, run, cell_bytes, monkeypatch):
    monkeypatch.setattr(execute_module, "BLOCK_ROWS", 100)
    _, other = run(*all_methods, labels=["1/class,2/class"], folder="other")
    assert cell_bytes(other) == cell_bytes(finished)
    assert tokens(other) == tokens(finished)


def test_the_manifest_says_where_the_numbers_come_from(finished, models):
    provenance = read_manifest(finished).provenance
    assert provenance["experiment"]["labels"] == ["1/class", "2/class"]
    assert set(provenance["models"]) == set(models)
    assert all(identity.startswith("sha256:") for identity in provenance["models"].values())
    assert list(provenance["prompts"]) == ["intent_v1"]
    assert "torch" in provenance["environment"]["packages"]


def test_cells_in_a_few_words(plan):
    cells = plan("few_shot:k=2", "zero_shot", draws=1).cells
    assert [describe(cell) for cell in cells] == [
        "tiny, few_shot:k=2, tiny-llama, intent_v1, 2/class labels, draw 1",
        "tiny, zero_shot, tiny-llama, intent_v1",
    ]


@pytest.fixture
def ask_for_unlabelled(monkeypatch):
    """Makes a method declare that it uses unlabelled rows."""

    def ask(name):
        entry = METHODS.get(name)
        asking = dataclasses.replace(entry, uses=(*entry.uses, "unlabelled"))
        monkeypatch.setitem(METHODS.entries(), name, asking)

    return ask


class Spy(Method):
    """Keeps what it is given."""

    seen = None

    def learn(self, train, unlabelled):
        type(self).seen = {"train": list(train), "unlabelled": list(unlabelled), "blocks": []}

    def predict(self, examples):
        from harness.core.types import Prediction

        self.seen["blocks"].append(list(examples))
        return [Prediction(self.context_.labels[0].name)] * len(examples)


class Failing(Spy):
    """Fails in its second block."""

    error = RuntimeError("no luck")

    def predict(self, examples):
        if self.seen["blocks"]:
            raise self.error
        return super().predict(examples)


@pytest.fixture
def replace(monkeypatch):
    """Puts a class in the place of every method's of a name."""
    build = MethodSpec.build

    def replace(name, method):
        monkeypatch.setattr(
            MethodSpec,
            "build",
            lambda spec: method() if spec.entry.name == name else build(spec),
        )
        return method

    return replace


def test_labels_of_test_rows_never_reach_a_method(run, replace, tiny_task):
    spy = replace("majority", type("FreshSpy", (Spy,), {}))
    run("majority", labels=["all"])
    assert [row for block in spy.seen["blocks"] for row in block] == [
        example.without_target() for example in tiny_task.test
    ]
    assert [len(block) for block in spy.seen["blocks"]] == [3, 3, 2]
    assert all(example.target is None for block in spy.seen["blocks"] for example in block)
    assert spy.seen["train"] == list(tiny_task.train)


def test_unlabelled_rows_have_no_label_and_are_no_test_rows(
    run, replace, ask_for_unlabelled, tiny_task
):
    spy = replace("majority", type("FreshSpy", (Spy,), {}))
    run("majority", labels=["1/class"])
    assert spy.seen["unlabelled"] == []  # it did not ask for them
    ask_for_unlabelled("majority")
    run("majority", labels=["1/class"])
    unlabelled = spy.seen["unlabelled"]
    assert unlabelled == [example.without_target() for example in tiny_task.train]
    assert not {tiny_task.text(row) for row in unlabelled} & {
        tiny_task.text(row) for row in tiny_task.test
    }


def test_a_tasks_own_unlabelled_rows_come_first(run, replace, ask_for_unlabelled, task_file):
    ask_for_unlabelled("majority")
    path = task_file(test=["x,y,a", "z,w,b"])
    (path.parent / "more.csv").write_text("subject,body\nalone,here\n")
    content = path.read_text().replace(
        '"test": "test.csv"', '"test": "test.csv", "unlabelled": "more.csv"'
    )
    path.write_text(content)
    spy = replace("majority", type("FreshSpy", (Spy,), {}))
    run("majority", task=[str(path)])
    assert [(row.fields["subject"], row.target) for row in spy.seen["unlabelled"]] == [
        ("alone", None)
    ]


def test_a_method_that_fails_is_noted_and_the_others_go_on(run, replace, unmeasured):
    replace("tfidf", type("FreshFailing", (Failing,), {}))
    outcome, run_dir = run("majority", "tfidf", "prototypes", draws=1)
    assert (outcome.computed, len(outcome.failures)) == (2, 1)
    ((identity, reason),) = outcome.failures.items()
    assert reason.startswith("RuntimeError: no luck (details in ")
    trace = (run_dir / "errors" / f"{identity}.txt").read_text()
    assert trace.startswith("Traceback")
    assert "raise self.error" in trace
    assert str(run_dir / "errors" / f"{identity}.txt") in reason
    assert read_manifest(run_dir).failures == outcome.failures
    rows = {row["method"]: row for row in unmeasured(run_dir)}
    assert rows["tfidf"]["accuracy"] == ""
    assert "failed: RuntimeError: no luck" in rows["tfidf"]["warnings"]
    assert rows["prototypes"]["accuracy"]


def test_what_failed_is_tried_again_and_goes_on_where_it_was(run, replace, unmeasured):
    failing = replace("tfidf", type("FreshFailing", (Failing,), {}))
    outcome, run_dir = run("tfidf", draws=1)
    assert len(outcome.failures) == 1
    spy = replace("tfidf", type("FreshSpy", (Spy,), {}))
    outcome, _ = run("tfidf", draws=1)
    assert (outcome.computed, outcome.failures) == (1, {})
    assert [len(block) for block in failing.seen["blocks"]] == [3]
    assert [len(block) for block in spy.seen["blocks"]] == [3, 2]
    assert read_manifest(run_dir).failures == {}
    assert unmeasured(run_dir)[0]["warnings"].startswith("near chance")


def test_what_the_harness_refuses_needs_no_traceback(run, replace):
    method = type("Refusing", (Failing,), {"error": HarnessError("the loss is not a number")})
    replace("tfidf", method)
    outcome, run_dir = run("tfidf", draws=1)
    assert list(outcome.failures.values()) == ["the loss is not a number"]
    assert not (run_dir / "errors").exists()


def test_an_interruption_is_no_failure(run, replace, tmp_path):
    replace("tfidf", type("Interrupted", (Failing,), {"error": KeyboardInterrupt()}))
    with pytest.raises(KeyboardInterrupt):
        run("majority", "tfidf", draws=1)
    manifest = read_manifest(tmp_path / "run")
    assert manifest.failures == {}
    assert [CellStore(tmp_path / "run").has(row.identity) for row in manifest.cells] == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("name", "device", "rows"),
    [
        ("few_shot:k=2", "cpu", [3, 3, 3, 2, 3, 3, 2]),
        ("few_shot:k=2", "cuda", [3, 3, 3, 2, 3, 3, 2]),
        ("fine_tune:epochs=1,min_steps=2", "cpu", [3, 3, 3, 2, 3, 3, 2]),
        # There a model that is trained again may be another, so all blocks are its own.
        ("fine_tune:epochs=1,min_steps=2", "cuda", [3, 3, 3, 3, 2, 3, 3, 2]),
    ],
)
def test_a_resumed_cell_is_charged_as_one_that_was_not_interrupted(
    finished, run, monkeypatch, name, device, rows
):
    monkeypatch.setattr(execute_module, "choose_device", lambda: device)
    kind = METHODS.get(name.partition(":")[0]).load()
    predict, calls = kind.predict, []

    def interrupted(self, examples):
        calls.append(len(examples))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return predict(self, examples)

    monkeypatch.setattr(kind, "predict", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(name, folder="other", cache="other_cache")
    _, other = run(name, folder="other", cache="other_cache")
    assert calls == rows
    assert tokens(other).items() <= tokens(finished).items()


def test_a_text_that_is_learned_and_tested_is_charged_once(run, task_file, tiny_encoder):
    from harness.models.encoder import tokenise

    path = task_file(train=["one,x,a", "two,y,b"], test=["one,x,a", "one,x,b", "three,z,b"])
    _, run_dir = run("prototypes:label_examples=0", task=[str(path)], labels=["all"])
    ids = tokenise(tiny_encoder.load(), ["one\nx", "two\ny", "three\nz"])
    assert list(tokens(run_dir).values()) == [sum(map(len, ids))]


def test_waiting_for_outputs_is_not_charged(finished, run, monkeypatch):
    from harness.models.encoder import LocalEncoder

    encode = LocalEncoder.encode

    def slow(self, texts):
        time.sleep(0.3)
        return encode(self, texts)

    monkeypatch.setattr(LocalEncoder, "encode", slow)
    _, other = run("prototypes", folder="other", draws=1)
    (cost,) = costs(other).values()
    assert cost["fit_seconds"] < 0.3
    assert cost["predict_seconds"] < 0.3


def test_what_a_kill_left_of_a_finished_cell_goes_away(finished, run):
    identity = read_manifest(finished).cells[0].identity
    leftover = finished / "cells" / f".{identity}.partial"
    leftover.mkdir()
    (leftover / "block-00000.parquet").touch()
    run("majority", labels=["1/class,2/class"])
    assert not leftover.exists()


def test_cells_of_equal_identity_share_their_folder(run, plan, tiny_task_folder, tmp_path):
    (tmp_path / "rows.json").write_text("[[0, 5, 9, 12], [0, 5, 9, 12]]")
    outcome, run_dir = run("prototypes", labels=[f"rows:{tmp_path / 'rows.json'}"])
    assert outcome.computed == 1
    assert len(read_manifest(run_dir).cells) == 2


def test_two_tasks_and_two_models_in_one_run(run, models, task_file, tiny_task_folder, tmp_path):
    copy = tmp_path / "other_encoder"
    shutil.copytree(models[1].partition(":")[2], copy)
    outcome, run_dir = run(
        "prototypes",
        task=[str(tiny_task_folder), str(task_file())],
        model=[*models, f"encoder:{copy}"],
        draws=1,
    )
    # The copy is the same model: its cells come to the same.
    assert (outcome.computed, len(read_manifest(run_dir).cells)) == (2, 4)
    assert set(read_json(run_dir / "manifest.json")["tasks"]) == {"tiny", "mails"}


@pytest.mark.parametrize("method", ["prototypes", "fine_tune:epochs=1,min_steps=2"])
def test_training_texts_that_were_cut_are_told_of(run, task_file, method):
    train = [f"{n} {label},body {n},{label}" for n in range(6) for label in "ab"]
    for name, rows in (("short", train), ("long", [*train, f"13 a,{'and so on ' * 200},a"])):
        task = [str(task_file(name, train=rows))]
        _, run_dir = run(method, task=task, labels=["all"], draws=1, folder=name)
        (cost,) = costs(run_dir).values()
        assert cost["shortened_rows"] == 0
        told = ["texts read in learning fill all that the model reads: they may have been cut"]
        assert cost["notes"] == (told if name == "long" else [])


def test_costs_of_a_cell_are_named(finished):
    for cost in costs(finished).values():
        assert set(cost) == {
            "fit_seconds", "predict_seconds", "tokens", "peak_memory_mb", "test_rows",
            "shortened_rows", "halved", "notes",
        }  # fmt: skip
        assert cost["test_rows"] == 8
        assert min(value for name, value in cost.items() if name != "notes") >= 0


def test_another_method_version_is_computed_again(finished, run, monkeypatch):
    raised = dataclasses.replace(METHODS.get("prototypes"), version=99)
    monkeypatch.setitem(METHODS.entries(), "prototypes", raised)
    outcome, _ = run("prototypes", "majority")
    assert (outcome.computed, outcome.reused, outcome.texts_encoded) == (2, 2, 0)


def test_another_command_in_the_same_folder_is_announced(run):
    run("majority")
    with warnings.catch_warnings():
        warnings.simplefilter("error", OtherRunWarning)
        run("majority")
    with pytest.warns(OtherRunWarning, match="its cells are kept"):
        outcome, run_dir = run("majority", "tfidf:C=1")
    assert outcome.reused == 2
    assert {row.method for row in read_manifest(run_dir).cells} == {"majority", "tfidf"}


@pytest.mark.parametrize("name", ["prototypes", "fine_tune:epochs=1,min_steps=1"])
def test_test_rows_longer_than_an_encoder_reads_are_counted(run, task_file, name):
    long = "card " * 100
    path = task_file(
        train=["a card,x,a", "a rate,y,b", f"{long},y,b"], test=[f"{long},1,a", "short,2,b"]
    )
    _, run_dir = run(name, task=[str(path)], labels=["all"])
    assert [cost["shortened_rows"] for cost in costs(run_dir).values()] == [1] * len(costs(run_dir))

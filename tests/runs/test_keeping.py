import contextlib
import json
import shutil

import numpy as np
import pytest

from harness.core.errors import DataError, HarnessError
from harness.core.files import hash_json
from harness.methods.kept import METHOD_FILE
from harness.reports.table import run_table
from harness.runs.keeping import NotKeptWarning, load_kept, model_folder
from harness.store.cells import CellStore
from harness.store.manifest import read_manifest

MORE = [
    "linear_probe:classifier=ridge",
    "linear_probe:classifier=svm",
    "tfidf:C=1",
    "self_training:base=fine_tune,confidence=0.3,epochs=1",
]


@pytest.fixture
def trained(all_methods):
    names = ("zero_shot", "few_shot", "label_embedding")
    return [*(name for name in all_methods if not name.startswith(names)), *MORE]


@pytest.fixture
def room(tmp_path):
    from harness.models.room import ModelRoom

    return ModelRoom(tmp_path / "outputs")


def kept(run_dir):
    return {
        cell.identity: model_folder(run_dir, cell.identity) for cell in read_manifest(run_dir).cells
    }


def asked(task):
    return [example.without_target() for example in task.test]


def test_what_was_kept_predicts_the_same(run, room, trained, tiny_task):
    outcome, run_dir = run(*trained, draws=1, keep_models=True)
    assert not outcome.failures
    store = CellStore(run_dir)
    assert len(kept(run_dir)) == len(trained)
    for identity, folder in kept(run_dir).items():
        method = load_kept(folder, tiny_task, room)
        stored = store.predictions(identity)
        found = method.predict(asked(tiny_task))
        assert [one.output for one in found] == [one.output for one in stored.predictions]
        np.testing.assert_allclose(
            [one.probabilities for one in found],
            [one.probabilities for one in stored.predictions],
            atol=1e-6,
        )


def test_several_labels_a_row(run, room, task_file):
    from harness.tasks.task import load_task

    data = {
        "files": {"train": "train.csv", "test": "test.csv"},
        "fields": {"subject": "subject"},
        "labels": "label",
        "separator": "|",
    }
    path = task_file(
        kind="multi_label",
        data=[data],
        train=["one,x,a|b", "two,y,b", "three,z,a", "four,w,a|b", "five,v,", "six,u,b"],
        test=["seven,1,a", "eight,2,b"],
    )
    methods = ["linear_probe", "fine_tune:epochs=1,min_steps=2", "tfidf"]
    outcome, run_dir = run(*methods, task=[str(path)], labels=["all"], draws=1, keep_models=True)
    assert not outcome.failures
    task = load_task(str(path))
    for identity, folder in kept(run_dir).items():
        found = load_kept(folder, task, room).predict(asked(task))
        stored = CellStore(run_dir).predictions(identity).predictions
        assert [one.output for one in found] == [one.output for one in stored]


def test_a_card_says_what_it_is(run):
    _, run_dir = run("fine_tune:epochs=1,min_steps=2", draws=1, keep_models=True)
    [(identity, folder)] = kept(run_dir).items()
    card = (folder / "README.md").read_text()
    for said in ("`fine_tune:epochs=1,min_steps=2`", "8 examples: label budget 2/class", identity):
        assert said in card
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"README.md", "method.json", "weights.safetensors", "encoder/model.safetensors"} <= files
    assert not [name for name in files if name.endswith((".bin", ".pt", ".pkl", ".joblib"))]


def test_nothing_is_kept_unasked_and_later_all_is(run, room, tiny_task):
    methods = ["prototypes", "label_embedding", "zero_shot"]
    _, run_dir = run(*methods, draws=1)
    assert not (run_dir / "models").exists()
    outcome, _ = run(*methods, draws=1, keep_models=True)
    assert (outcome.computed, outcome.reused) == (0, 3)
    [folder] = (run_dir / "models").iterdir()  # the others train nothing
    assert load_kept(folder, tiny_task, room).predict(asked(tiny_task))
    before = (folder / "method.json").stat().st_mtime_ns
    run(*methods, draws=1, keep_models=True)
    assert (folder / "method.json").stat().st_mtime_ns == before


def test_a_finished_cell_that_fails_to_learn_again_keeps_its_numbers(run, monkeypatch):
    from harness.methods.prototypes import Prototypes

    run("prototypes", draws=1)

    def fail(*_):
        raise RuntimeError("no memory")

    monkeypatch.setattr(Prototypes, "learn", fail)
    with pytest.warns(NotKeptWarning, match="prototypes, 2/class labels, draw 1.*no memory"):
        outcome, run_dir = run("prototypes", draws=1, keep_models=True)
    assert (outcome.reused, outcome.failures) == (1, {})
    assert run_table(run_dir)["draws"].tolist() == [1]


def test_what_another_process_kept_meanwhile_is_not_trained_again(run, monkeypatch):
    _, run_dir = run("prototypes", draws=1)
    locked = CellStore.write

    @contextlib.contextmanager
    def wait(store, identity):
        with locked(store, identity) as writer:
            model_folder(run_dir, identity).mkdir(parents=True)
            (model_folder(run_dir, identity) / METHOD_FILE).touch()
            yield writer

    monkeypatch.setattr(CellStore, "write", wait)
    monkeypatch.setattr("harness.runs.execute._fit", None)
    outcome, _ = run("prototypes", draws=1, keep_models=True)  # and it warns of nothing
    assert (outcome.reused, outcome.failures) == (1, {})


@pytest.fixture
def one(run):
    _, run_dir = run("linear_probe", draws=1, keep_models=True)
    [folder] = (run_dir / "models").iterdir()
    return folder


def rewrite(folder, **changes):
    written = json.loads((folder / "method.json").read_text()) | changes
    del written["sha256"]
    (folder / "method.json").write_text(json.dumps(written | {"sha256": hash_json(written)}))


def test_a_kept_model_that_was_altered(one, tiny_task, room):
    weights = one / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\7")
    with pytest.raises(DataError, match="not what was written") as caught:
        load_kept(one, tiny_task, room)
    assert "weights.safetensors" in str(caught.value)
    weights.unlink()
    with pytest.raises(DataError, match="a file of it is missing"):
        load_kept(one, tiny_task, room)
    (one / "method.json").write_text("{")
    with pytest.raises(DataError, match="no kept model"):
        load_kept(one, tiny_task, room)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"labels": ["a"]}, "another list of labels"),
        ({"kind": "ordinal"}, "another kind of task"),
        ({"version": 99}, "found:    linear_probe 99"),
        ({"parts": {"prototypes": 1}}, "another version of linear_probe"),
        ({"format": 99}, "format 99"),
        ({"learnt": {"head_": {"object": "Popen", "holds": {}}}}, "nothing that a kept model"),
        ({"learnt": {"head_": {"array": "absent"}}}, "nothing that a kept model"),
    ],
)
def test_another_model_is_refused(one, tiny_task, room, changes, says):
    rewrite(one, **changes)
    with pytest.raises(HarnessError, match=says):
        load_kept(one, tiny_task, room)


def test_what_was_learnt_cannot_be_altered_but_the_card_can(one, tiny_task, room):
    (one / "README.md").write_text("Ours.")
    assert load_kept(one, tiny_task, room)
    path = one / "method.json"
    path.write_text(path.read_text().replace('"seed": ', '"seed": 1'))
    with pytest.raises(DataError, match="not what was written") as caught:
        load_kept(one, tiny_task, room)
    assert "method.json" in str(caught.value)


@pytest.mark.parametrize(
    "method",
    [
        "prototypes",
        "lora:epochs=1,min_steps=2",
        "self_training:base=last_layers,epochs=1,confidence=0",
    ],
)
def test_a_model_made_from_another_is_kept_too(
    run, tiny_task, tiny_encoder_folder, tmp_path, monkeypatch, method
):
    from harness.models.room import ModelRoom

    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    spec = f"encoder:from_scratch({tiny_encoder_folder})"
    _, run_dir = run(method, model=[spec], draws=1, keep_models=True)
    [(identity, folder)] = kept(run_dir).items()
    assert (folder / "base").is_dir() == (method == "prototypes")
    shutil.rmtree(tmp_path / "cache")
    found = load_kept(folder, tiny_task, ModelRoom(tmp_path / "new")).predict(asked(tiny_task))
    stored = CellStore(run_dir).predictions(identity).predictions
    assert [one.output for one in found] == [one.output for one in stored]
    assert not (tmp_path / "cache").exists()


def test_what_cannot_be_kept_loses_no_numbers(run, monkeypatch):
    from harness.methods.prototypes import Prototypes

    monkeypatch.setattr(Prototypes, "learnt", lambda _: {"head_": object()})
    with pytest.warns(NotKeptWarning, match="head_: a object cannot be kept"):
        outcome, run_dir = run("prototypes", draws=1, keep_models=True)
    assert (outcome.computed, outcome.failures) == (1, {})
    assert not list((run_dir / "models").iterdir())


@pytest.mark.parametrize("error", [RuntimeError, ValueError])
def test_nor_does_an_encoder_that_cannot_be_saved(run, monkeypatch, error):
    def refuse(*_):
        raise error("some tensors share memory")

    monkeypatch.setattr("harness.methods.kept.save_encoder", refuse)
    with pytest.warns(NotKeptWarning, match="share memory"):
        outcome, _ = run("fine_tune:epochs=1,min_steps=2", draws=1, keep_models=True)
    assert (outcome.computed, outcome.failures) == (1, {})


def test_another_encoder_is_refused(one, tiny_task, room):
    models = json.loads((one / "method.json").read_text())["models"]
    rewrite(one, models=[models[0] | {"identity": "sha256:other"}])
    with pytest.raises(DataError, match="is another than this model was made from"):
        load_kept(one, tiny_task, room)

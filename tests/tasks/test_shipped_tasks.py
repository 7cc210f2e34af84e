"""The tasks that come with the harness, against the data they name where those are at hand."""

import pytest

from harness.core.lookup import shipped
from harness.tasks.definition import read_definition
from harness.tasks.task import load_task

TASKS = shipped("tasks")
NAMES = sorted(path.stem for path in TASKS.glob("*.yaml"))

# Rows of train, of these out of scope, rows of validation and test, and labels, as SOURCE.md beside
# the data gives them.
COUNTS = {
    "askubuntu_intents": (53, 3, 0, 109, 4),
    "banking77": (10003, 0, 0, 3080, 77),
    "bitext_support": (6480, 0, 810, 810, 27),
    "clinc150": (15100, 100, 3100, 5500, 150),
    "hint3_curekart": (599, 0, 0, 991, 28),
    "hint3_sofmattress": (328, 0, 0, 397, 21),
}


def test_there_are_some():
    assert set(COUNTS) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_definition_is_complete(name):
    definition = read_definition(TASKS / f"{name}.yaml").definition
    assert definition.description
    assert definition.licence
    assert definition.citation
    assert definition.homepage.startswith("https://")
    assert definition.prompt
    names = [spec.name for spec in definition.labels]
    assert names == sorted(names)
    files = definition.data[0]
    assert set(files.sha256) == set(files.files)


@pytest.mark.parametrize("name", sorted(COUNTS))
def test_the_data(name, shared):
    task = load_task(TASKS / f"{name}.yaml", data_dir=shared / "data")
    train, outside, validation, test, labels = COUNTS[name]
    assert (len(task.train), task.out_of_scope_train) == (train - outside, outside)
    assert (len(task.validation), len(task.test), len(task.labels)) == (validation, test, labels)
    assert {example.target for example in task.train} == {label.name for label in task.labels}


def test_verbalizers():
    banking = read_definition(TASKS / "banking77.yaml").definition
    verbalizers = [spec.label().verbalizer for spec in banking.labels]
    assert verbalizers[0] == "Refund not showing up"
    assert "reverted card payment?" in verbalizers
    curekart = read_definition(TASKS / "hint3_curekart.yaml").definition
    assert all(spec.label().verbalizer.islower() for spec in curekart.labels)


@pytest.mark.parametrize("name", ["askubuntu_intents", "bitext_support", "hint3_sofmattress"])
def test_labels_in_words(name):
    labels = read_definition(TASKS / f"{name}.yaml").definition.labels
    verbalizers = [spec.label().verbalizer for spec in labels]
    assert all(verbalizer.replace(" ", "").isalnum() for verbalizer in verbalizers)
    assert all(verbalizer.islower() for verbalizer in verbalizers)
    assert len(set(verbalizers)) == len(verbalizers)
    assert all(spec.label().description for spec in labels)

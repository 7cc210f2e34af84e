"""The tasks that come with the harness, against the data they name where those are at hand."""

import re

import pytest

from harness.core.lookup import shipped
from harness.prompts.template import load_prompt
from harness.tasks.definition import read_definition
from harness.tasks.sources import hub
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
    "openbookqa": (4957, 0, 0, 500, 4),
    "restaurants8k": (5 * 1024, 0, 0, 5 * 3730, 0),  # a row is an example for each of 5 slots
    "scitail": (570, 0, 0, 1556, 2),
}
DRAWN = {"nlupp_banking": (2071, 48), "nlupp_hotels": (1009, 40)}
"""Rows and labels of the sets whose test rows are drawn."""
TRANSFER = {
    "customer_emails_transfer": (250, 250, 150, 200, 10),
    "nlupp_transfer": (2070, 809, 200, 0, 26),
}
"""Rows of the source, of train, test and unlabelled, and labels.

One of the 2071 rows of nlupp's source has the text of a test row.
"""
OWN = ("customer_emails_transfer",)
"""Tasks whose data were written for this project: no publisher, nothing to cite."""

ARC = {
    "question": "Which",
    "choices": [
        {"text": ["a", "b", "c", "d"], "label": ["A", "B", "C", "D"]},
        {"text": ["a", "b", "c"], "label": ["1", "2", "3"]},
    ],
    "answerKey": ["B", "3"],
}
USUAL = ("train", "validation", "test")
# Configurations, splits and columns of each data set of the hub. A text stands for a column of
# texts, a tuple for the names of a class label. As the data sets' own cards give them (seen in
# stored copies), but for ag_news, ai2_arc and squad, of which we saw the cards of copies, boolq,
# of which the TensorFlow catalogue lists the columns, and glue, whose columns are from memory.
CARDS = {
    "fancyzhx/ag_news": ((None,), ("train", "test"), {
        "text": "A", "label": ("World", "Sports", "Business", "Sci/Tech")}),
    "mteb/amazon_counterfactual": (("en",), USUAL, {
        "text": "A", "label": [0, 1], "label_text": ["not-counterfactual", "counterfactual"]}),
    "allenai/ai2_arc": (("ARC-Challenge", "ARC-Easy"), USUAL, ARC),
    "google/boolq": ((None,), ("train", "validation"), {
        "question": "is it", "answer": [True, False], "passage": "It is"}),
    "dair-ai/emotion": (("split", "unsplit"), USUAL, {
        "text": "A", "label": ("sadness", "joy", "love", "anger", "fear", "surprise")}),
    "stanfordnlp/imdb": ((None,), ("train", "test", "unsupervised"), {
        "text": "A", "label": ("neg", "pos")}),
    "nyu-mll/glue": (("rte",), USUAL, {
        "sentence1": "A", "sentence2": "B", "label": ("entailment", "not_entailment")}),
    "rajpurkar/squad": ((None,), ("train", "validation"), {
        "context": "It is", "question": "What is it?",
        "answers": [{"text": ["one", "one", "a one"], "answer_start": [0, 0, 3]}]}),
    "stanfordnlp/sst2": ((None,), USUAL, {"sentence": "A", "label": ("negative", "positive")}),
    "CogComp/trec": ((None,), ("train", "test"), {
        "text": "A", "coarse_label": ("ABBR", "ENTY", "DESC", "HUM", "LOC", "NUM"),
        "fine_label": ("ABBR:abb",)}),
}  # fmt: skip
FROM_THE_HUB = [
    name for name in NAMES if read_definition(TASKS / f"{name}.yaml").definition.data[0].hub
]


def as_the_hub_has_it(name, config, _commit, split):
    """Returns a small table of a data set's own columns, classes and nesting."""
    import datasets

    configs, splits, columns = CARDS[name]
    assert config in configs
    assert split in splits
    rows = max(len(values) for values in columns.values() if not isinstance(values, str))
    table, classes = {}, {}
    for column, values in columns.items():
        table[column] = values
        if isinstance(values, str):
            table[column] = [f"{values} {row}" for row in range(rows)]
        elif isinstance(values, tuple):
            table[column] = [row % len(values) for row in range(rows)]
            classes[column] = datasets.ClassLabel(names=list(values))
    made = datasets.Dataset.from_dict(table)
    return made.cast(datasets.Features({**made.features, **classes}))


@pytest.fixture
def fake_hub(monkeypatch):
    monkeypatch.setattr(hub, "_commit", lambda _name, _revision: "c" * 40)
    monkeypatch.setattr(hub, "_load_data", as_the_hub_has_it)


def test_there_are_some():
    assert set(COUNTS) | set(DRAWN) | set(TRANSFER) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_definition_is_complete(name):
    file = read_definition(TASKS / f"{name}.yaml")
    definition = file.definition
    assert definition.description
    if name not in OWN:
        assert definition.citation
        assert definition.homepage.startswith("https://")
    assert definition.licence or "licence" in definition.notes.lower()
    prompt = load_prompt(definition.prompt)
    assert file.rules.name in prompt.kinds
    prompt.check_variables(sorted(file.rules.variables()))
    for source in definition.data:
        assert source.files is None or set(source.sha256) == set(source.files)
        assert source.revision is None  # pinned by the program at the first download


@pytest.mark.parametrize("name", NAMES)
def test_labels_have_words_and_meanings_of_their_own(name):
    specs = getattr(read_definition(TASKS / f"{name}.yaml").definition, "labels", None)
    if specs is None:
        pytest.skip("rows of this kind have no list of labels")
    labels = [spec.label() for spec in specs]
    assert len({label.verbalizer.casefold() for label in labels}) == len(labels)
    assert not [label for label in labels if "_" in label.verbalizer]
    if name not in ("banking77", "clinc150"):  # whose intents are said by their names
        assert all(label.description for label in labels)


@pytest.mark.parametrize("name", sorted(COUNTS))
def test_the_data(name, shared):
    task = load_task(TASKS / f"{name}.yaml", data_dir=shared / "data")
    train, outside, validation, test, labels = COUNTS[name]
    assert (len(task.train), task.out_of_scope_train) == (train - outside, outside)
    assert (len(task.validation), len(task.test), len(task.labels)) == (validation, test, labels)
    if task.labels:
        assert {example.target for example in task.train} == {label.name for label in task.labels}


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_data_whose_test_rows_are_drawn(name, shared):
    task = load_task(TASKS / f"{name}.yaml", data_dir=shared / "data")
    rows, labels = DRAWN[name]
    assert (len(task.train) + len(task.test), len(task.labels)) == (rows, labels)
    assert 0.15 * rows < len(task.test) <= 0.2 * rows
    assert {one for row in task.train for one in row.target} == {one.name for one in task.labels}


@pytest.mark.parametrize("name", sorted(TRANSFER))
def test_data_of_two_domains(name, shared):
    task = load_task(TASKS / f"{name}.yaml", data_dir=shared / "data")
    splits = (task.source_rows, task.train, task.test, task.unlabelled, task.labels)
    assert tuple(map(len, splits)) == TRANSFER[name]
    assert not task.left_out.neither
    names = {label.name for label in task.labels}
    for rows in (task.source_rows, task.train, task.test):
        assert {one for row in rows for one in task.rules.classes(row)} == names
    # A version of its own: the included task's may be raised for what does not touch this one.
    text = (TASKS / f"{name}.yaml").read_text("utf-8")
    assert re.search(r"(?m)^version: ", text)


def test_the_two_hotels_test_on_the_same_rows(shared):
    transfer, alone = (
        load_task(TASKS / f"{name}.yaml", data_dir=shared / "data")
        for name in ("nlupp_transfer", "nlupp_hotels")
    )
    assert [row.row for row in transfer.test] == [row.row for row in alone.test]


@pytest.mark.parametrize("name", FROM_THE_HUB)
def test_data_as_the_hub_has_them(name, fake_hub):
    task = load_task(TASKS / f"{name}.yaml")
    assert task.test
    targets = [row.target for row in task.train]
    if name == "squad":
        assert targets == [("one", "a one")]
    elif name.startswith("arc_"):
        assert targets == ["B", "C"]
        assert [len(row.choices) for row in task.train] == [4, 3]
    else:
        assert len(targets) == len(task.labels)
        assert set(targets) == {label.name for label in task.labels}


def test_numbers_of_the_hub_mean_what_they_say(fake_hub):
    rows = load_task(TASKS / "amazon_counterfactual.yaml").train
    assert [row.target for row in rows] == ["not_counterfactual", "counterfactual"]
    rows = load_task(TASKS / "boolq.yaml").train
    assert [(row.fields["question"], row.target) for row in rows] == [
        ("is it 0", "true"), ("is it 1", "false"),
    ]  # fmt: skip
    assert len(load_task(TASKS / "imdb.yaml").unlabelled) == len(
        CARDS["stanfordnlp/imdb"][2]["label"]
    )


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

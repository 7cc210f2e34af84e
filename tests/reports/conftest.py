"""Small run folders, built by hand through the store."""

import dataclasses

import pytest

from harness.core.types import Example, Prediction
from harness.store.cells import CellStore
from harness.store.manifest import (
    CellRow,
    Manifest,
    TaskRow,
    examples_file,
    write_manifest,
)
from harness.store.predictions import write_examples

COSTS = {
    "fit_seconds": 2.0,
    "predict_seconds": 3.0,
    "tokens": 1000,
    "peak_memory_mb": 50.0,
    "test_rows": 10,
}


def answer(label, labels=("a", "b"), share=None):
    """A prediction; with a share, its probability, the others sharing the rest."""
    if share is None:
        return Prediction(label)
    rest = (1 - share) / (len(labels) - 1)
    return Prediction(label, tuple(share if name == label else rest for name in labels))


def answers(text, share=None):
    """One prediction a character: a label, ``?`` for unread, ``!`` for a failed request."""
    failures = {"?": "unread", "!": "request"}
    return [
        Prediction(None, failure=failures[sign]) if sign in failures else answer(sign, share=share)
        for sign in text
    ]


class RunBuilder:
    """Collects tasks and cells, then writes the folder."""

    def __init__(self, run_dir):
        self.run_dir = run_dir
        self.tasks, self.cells, self.failures = {}, [], {}
        self.predictions, self.costs = {}, {}
        self.examples = {}

    def task(self, gold, name="mails", labels=("a", "b"), fields=None, choices=(), **given):
        rows = [
            Example(
                row=10 * place,
                fields=fields(place) if fields else {"text": f"mail {place}"},
                choices=choices,
            )
            for place in range(len(gold))
        ]
        self.examples[name] = [
            dataclasses.replace(row, target=target) for row, target in zip(rows, gold, strict=True)
        ]
        settings = {
            "version": "1",
            "kind": "single_label",
            "data_hash": "0" * 64,
            "out_of_scope": None,
            "test_rows": len(gold),
            "metrics": (),
            "source": "by hand",
            "majority": 0.5,
        }
        self.tasks[name] = TaskRow(name=name, labels=labels, **(settings | given))
        return self

    def cell(self, predictions=None, *, failure=None, costs=None, **given):
        """Adds a cell; without predictions it is listed and not there."""
        settings = {
            "identity": f"cell{len(self.cells)}",
            "task": "mails",
            "method": "prototypes",
            "settings": "",
            "model": "all-minilm-l6-v2",
            "prompt": "",
            "labels": "8/class",
            "draw": 0,
            "train_rows": 16,
        }
        row = CellRow(**(settings | given))
        self.cells.append(row)
        if failure:
            self.failures[row.identity] = failure
        if predictions is not None:
            self.predictions[row.identity] = (row.task, predictions)
            size = {"test_rows": len(predictions)}
            self.costs[row.identity] = COSTS | size | (costs or {})
        return self

    def write(self, seed=0):
        """Writes the folder; cells that are there from an earlier call stay as they are."""
        for name, examples in self.examples.items():
            write_examples(examples_file(self.run_dir, name), examples)
        store = CellStore(self.run_dir)
        for identity, (task, predictions) in self.predictions.items():
            rows = [example.row for example in self.examples[task]]
            with store.write(identity) as writer:
                if writer is not None:
                    writer.write_block(0, rows, predictions, {})
                    writer.finish(1, record={"identity": identity}, costs=self.costs[identity])
        write_manifest(
            self.run_dir, Manifest(self.tasks, tuple(self.cells), self.failures, seed, {})
        )
        return self.run_dir


@pytest.fixture
def make_run(tmp_path):
    """Gives an empty builder of a run's folder of the name given."""
    return lambda name="run": RunBuilder(tmp_path / name)


@pytest.fixture
def say():
    return answers


@pytest.fixture
def run_dir(make_run):
    """Two methods, the second with three draws, on ten rows."""
    run = make_run().task("aaaaabbbbb", majority=0.5)
    run.cell(answers("a" * 10), method="majority", model="", labels="8/class")
    for draw, text in enumerate(["aaaaabbbbb", "aaaabbbbbb", "aaabbbbbba"]):
        run.cell(answers(text, share=0.75), draw=draw)
    return run.write()

"""A task: what its YAML says and its examples, checked and hashed."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.core.errors import DataError
from harness.core.files import canonical_json
from harness.core.types import Example, Label
from harness.tasks.definition import TaskFile, read_definition
from harness.tasks.domains import SOURCE, LeftOut, divide, in_scope, source_pool
from harness.tasks.draws import Budget, Draw, no_source_domain
from harness.tasks.kinds.base import Kind
from harness.tasks.reading import Split, check_targets, read_tables, to_examples
from harness.tasks.source_schema import Source
from harness.tasks.splits import draw_test, latest_test, normalised

SPLITS = ("train", "validation", "test", "unlabelled", SOURCE)


@dataclasses.dataclass(frozen=True)
class Task:
    """A task with its data.

    Attributes:
        name: Its name.
        version: Its version; scores of different versions are not comparable.
        kind: The name of its kind.
        description: One line for lists.
        labels: The labels in order, the out-of-scope one not among them.
        out_of_scope: The label of rows outside all labels, where there is one.
        train: The training pool: the rows of the train split that have one of the labels.
        validation: The rows of the validation split, if there is one.
        test: The rows of the test split, out-of-scope ones among them.
        unlabelled: The rows of the unlabelled split, if there is one.
        source_rows: The labelled rows of another domain, where the task transfers from one; all
            other rows are of the target domain then.
        left_out: What of such a task's rows is neither learnt from nor tested on.
        out_of_scope_train: How many rows of the train split were left out of the pool.
        prompt: The name of its default prompt, if it has one.
        metrics: The names of its metrics; None for its kind's default.
        rules: What its kind makes of its YAML: texts, targets, answers.
        licence: The licence of the data.
        citation: What to cite.
        source: What each split was read from: path and sha256, or hub id and commit.
        data_hash: sha256 over labels and examples.
    """

    name: str
    version: str
    kind: str
    description: str
    labels: tuple[Label, ...]
    out_of_scope: str | None
    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    test: tuple[Example, ...]
    unlabelled: tuple[Example, ...]
    source_rows: tuple[Example, ...]
    left_out: LeftOut
    out_of_scope_train: int
    prompt: str | None
    metrics: tuple[str, ...] | None
    rules: Kind[Any, Any]
    licence: str
    citation: str
    source: Mapping[str, str]
    data_hash: str

    def text(self, example: Example) -> str:
        """Returns the one text that encoders read for an example."""
        return self.rules.text(example.fields)

    def training_rows(self, budget: Budget, drawn: Draw) -> tuple[Example, ...]:
        """Returns the labelled examples of a draw: the source domain's where asked for, first.

        Raises:
            UserError: They are asked for, and the task has no source domain.
        """
        if budget.source and not self.source_rows:
            raise no_source_domain(self.name, budget)
        source = self.source_rows if budget.source else ()
        return (*source, *(self.train[place] for place in drawn.rows))

    def unlabelled_texts(self) -> tuple[Example, ...]:
        """Returns rows without targets: the unlabelled split, else the training pool.

        Of two domains they are the target's. Rows with the text of a test row (case, punctuation,
        white space aside) are left out.
        """
        return self._unlabelled_texts

    @functools.cached_property
    def _unlabelled_texts(self) -> tuple[Example, ...]:
        tested = {normalised(self.text(example)) for example in self.test}
        return tuple(
            example.without_target()
            for example in self.unlabelled or self.train
            if normalised(self.text(example)) not in tested
        )


def load_task(
    name_or_path: str | Path, *, data_dir: Path | None = None, overrides: Sequence[str] = ()
) -> Task:
    """Reads a task and its data.

    Args:
        name_or_path: A name, looked up in ``./tasks`` and among the shipped tasks, or a path.
        overrides: What to set in its YAML, as ``--set`` takes it: ``splits.test=0.3``.
        data_dir: The folder in which data files are looked up first; default: ``HARNESS_DATA``.

    Raises:
        UserError: Something in the task YAML is wrong.
        DataError: The data are not here, or are not what the task YAML says.
    """
    return task_of(read_definition(name_or_path, overrides), data_dir=data_dir)


def task_of(file: TaskFile, *, data_dir: Path | None = None) -> Task:
    """Reads the data of a task whose YAML is read already; otherwise as :func:`load_task`."""
    definition, rules = file.definition, file.rules
    source, tables = read_tables(file, data_dir)
    parts, neither = divide(file, source, tables)
    read = {
        name: to_examples(rules, source, table, rows, labelled=name != "unlabelled")
        for name, (table, rows) in parts.items()
    }
    splits = _with_test(file, source, read)
    labels = _labels(rules, splits, are_drawn="test" not in read)
    for split in read.values():
        check_targets(rules, source, split, labels)
    everything = len(splits["train"])
    splits["train"] = tuple(in_scope(rules, splits["train"]))
    splits[SOURCE], left_out = source_pool(file, splits[SOURCE], splits["test"], neither)
    return Task(
        name=file.name,
        version=definition.version,
        kind=definition.kind,
        description=definition.description,
        labels=labels,
        out_of_scope=rules.out_of_scope,
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        unlabelled=splits["unlabelled"],
        source_rows=splits[SOURCE],
        left_out=left_out,
        out_of_scope_train=everything - len(splits["train"]),
        prompt=definition.prompt,
        metrics=definition.metrics,
        rules=rules,
        licence=definition.licence,
        citation=definition.citation,
        source={name: table.origin for name, table in tables.items()},
        data_hash=hash_data(labels, rules.out_of_scope, splits),
    )


def _labels(
    rules: Kind[Any, Any], splits: Mapping[str, tuple[Example, ...]], *, are_drawn: bool
) -> tuple[Label, ...]:
    """Returns the labels: those listed, else those found in the rows of both domains.

    Where the test rows are drawn, their labels were not set apart either. Choices are each row's
    own: their letters are those of the row that has the most.
    """
    everywhere = rules.answer == "choice" or are_drawn
    learnt = splits["train"] + splits[SOURCE]
    return rules.labels(learnt + (splits["test"] if everywhere else ()))


def _with_test(
    file: TaskFile, source: Source, read: Mapping[str, Split]
) -> dict[str, tuple[Example, ...]]:
    """Returns all splits, the test rows drawn where the source has none."""
    filled = {name: read[name].examples if name in read else () for name in SPLITS}
    if filled["test"]:
        return filled
    if file.definition.splits is None:
        raise DataError(
            "there are no test rows",
            where=file.yaml.where(("data",)),
            found=f"the splits {', '.join(read)}",
            hint="add a test split, or say how to draw one: `splits: {test: 0.25}`",
        )
    rows = read["all"] if "all" in read else read.get("train")
    if rows is None:
        raise DataError(
            "there are no rows to draw test rows from", where=file.yaml.where(("data",))
        )
    if source.time is not None:
        places = [rows.table.where(number, source.time) for number in rows.numbers]
        train, test = latest_test(
            rows.examples, file.definition.splits, rows.column(source.time), places
        )
    else:
        texts = [file.rules.text(example.fields) for example in rows.examples]
        groups = [f"group:{value}" for value in rows.column(source.group)] if source.group else None
        train, test = draw_test(
            rows.examples, file.definition.splits, texts, file.rules.classes, groups
        )
    return {**filled, "train": tuple(train), "test": tuple(test)}


def hash_data(
    labels: tuple[Label, ...],
    out_of_scope: str | None,
    splits: Mapping[str, tuple[Example, ...]],
) -> str:
    """Returns the sha256, in hexadecimal, of a task's labels and examples, in their order."""
    digest = hashlib.sha256()

    def add(value: object) -> None:
        digest.update(canonical_json(value).encode("utf-8", "surrogatepass") + b"\n")

    for label in labels:
        add([label.name, label.verbalizer, label.description])
    add(out_of_scope)
    for name in sorted(splits):
        for row in splits[name]:
            # A list of pairs, because the order of the fields decides what a model reads.
            add([name, row.row, list(row.fields.items()), row.target, *row.choices])
    return digest.hexdigest()

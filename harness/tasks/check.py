"""What is worth knowing about a task before anything is spent on it."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from harness.core.errors import UserError
from harness.core.types import Example
from harness.tasks.splits import normalised
from harness.tasks.task import Task, load_task

SHOWN = 5


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One thing a check found.

    Attributes:
        severity: ``error`` (the task cannot be used), ``warning`` (scores may mislead) or
            ``note``.
        message: What was found, in a sentence or as an error message.
    """

    severity: Literal["error", "warning", "note"]
    message: str


def check_task(name_or_path: str | Path, *, data_dir: Path | None = None) -> list[Finding]:
    """Reads a task and its data and returns what there is to say about them."""
    try:
        task = load_task(name_or_path, data_dir=data_dir)
    except UserError as error:
        return [Finding("error", str(error))]
    return [*_counts(task), *_one_sided_labels(task), *_repeated(task), *_contradictions(task)]


def _splits(task: Task) -> dict[str, tuple[Example, ...]]:
    splits = {"train": task.train, "validation": task.validation, "test": task.test}
    return {name: rows for name, rows in splits.items() if rows}


def _counts(task: Task) -> Iterator[Finding]:
    if not task.train:
        yield Finding("warning", "there are no training rows: only zero-shot methods can be run")
    for name, rows in _splits(task).items():
        counts = Counter(row.target for row in rows)
        (most, high), (least, low) = counts.most_common(1)[0], counts.most_common()[-1]
        yield Finding(
            "note",
            f"{name}: {len(rows)} rows, {len(counts)} labels, "
            f"from {low} ({least}) to {high} ({most})",
        )
    if task.unlabelled:
        yield Finding("note", f"unlabelled: {len(task.unlabelled)} rows")
    if task.out_of_scope_train:
        yield Finding(
            "note",
            f"train: {task.out_of_scope_train} more rows have the out-of-scope label "
            f"{task.out_of_scope!r} and are left out",
        )


def _one_sided_labels(task: Task) -> Iterator[Finding]:
    names = [label.name for label in task.labels]
    train, test = ({row.target for row in rows} for rows in (task.train, task.test))
    if task.train and (only_test := [name for name in names if name in test - train]):
        yield Finding("warning", f"labels without training rows: {_some(only_test)}")
    if no_test := [name for name in names if name not in test]:
        yield Finding("note", f"labels without test rows: {_some(no_test)}")


def _repeated(task: Task) -> Iterator[Finding]:
    splits = {
        name: Counter(normalised(task.text(row)) for row in rows)
        for name, rows in (_splits(task) | {"unlabelled": task.unlabelled}).items()
    }
    aside = "(case, punctuation and white space aside)"
    for name, texts in splits.items():
        if repeats := texts.total() - len(texts):
            yield Finding("note", f"{name}: {repeats} rows repeat an earlier text {aside}")
    for name in ("train", "validation", "unlabelled"):
        if both := sum(
            texts for text, texts in splits["test"].items() if text in splits.get(name, {})
        ):
            yield Finding("warning", f"{both} test rows have a text that is in {name} too {aside}")


def _contradictions(task: Task) -> Iterator[Finding]:
    targets: dict[str, set[str]] = defaultdict(set)
    for rows in _splits(task).values():
        for row in rows:
            targets[normalised(task.text(row))].add(str(row.target))
    if several := [text for text, labels in targets.items() if len(labels) > 1]:
        yield Finding("warning", f"{len(several)} texts have more than one label: {_some(several)}")


def _some(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:SHOWN])
    return f"{shown} and {len(names) - SHOWN} more" if len(names) > SHOWN else shown

"""Labels: missing on one side, contradicting each other, or without words a model can read."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from harness.core.types import Example
from harness.tasks.checks.base import Finding, labelled_splits, some, whole_text
from harness.tasks.splits import normalised
from harness.tasks.task import Task

NAME_LIKE = re.compile(
    r"\S*_\S*|\S*[a-z]{2}[A-Z]\w*|\w|\d+"
    r"|(?:label|class|cat(?:egory)?|intent|topic|type|code|id|faq|c|l|q)[ #.-]?\d+",
    re.ASCII,
)
"""What looks like a name in code: snake_case, camelCase, a letter, a number, `class 7`."""


def check_labels(task: Task) -> Iterator[Finding]:
    """Gives labels of one side only, texts with several, and labels that say nothing."""
    if task.rules.answer in ("label", "labels"):
        yield from _one_sided(task)
        yield from _wordless(task)
    yield from _contradictions(task)


def _one_sided(task: Task) -> Iterator[Finding]:
    names = [label.name for label in task.labels]
    train, test = (
        {label for row in rows for label in task.rules.classes(row)}
        for rows in (task.train + task.source_rows, task.test)
    )
    if train and (only_test := [name for name in names if name in test - train]):
        yield Finding("warning", f"labels without training rows: {some(only_test)}")
    if no_test := [name for name in names if name not in test]:
        yield Finding("note", f"labels without test rows: {some(no_test)}")
    if task.source_rows:
        source = {label for row in task.source_rows for label in task.rules.classes(row)}
        if unsourced := [name for name in names if name not in source]:
            yield Finding("note", f"labels without rows of the source domain: {some(unsourced)}")
    if dropped := sorted(task.rules.dropped):
        yield Finding(
            "note",
            f"{len(dropped)} labels of the data are not listed, and are taken off their rows: "
            f"{some(dropped)}",
        )


def _wordless(task: Task) -> Iterator[Finding]:
    bare = [label.name for label in task.labels if not label.description.strip()]
    if bare:
        count = "no label has" if len(bare) == len(task.labels) else (
            f"{len(bare)} of {len(task.labels)} labels do not have"
        )  # fmt: skip
        yield Finding(
            "note",
            f"{count} a description: {some(bare)}; label_embedding, prompts and what learns labels "
            "read their words",
        )
    # Ratings are numbers and say what they mean.
    named = [
        label.verbalizer for label in task.labels
        if NAME_LIKE.fullmatch(label.verbalizer)
        and label.verbalizer == label.name.replace("_", " ")
        and not (task.kind == "ordinal" and label.name.strip("+-").isdecimal())
    ]  # fmt: skip
    if named:
        yield Finding(
            "warning",
            f"verbalizers that are names rather than words: {some(named)}; write "
            "`{name: ..., verbalizer: ...}`, because a model reads the verbalizer",
        )


def _contradictions(task: Task) -> Iterator[Finding]:
    targets: dict[str, set[object]] = defaultdict(set)
    for rows in labelled_splits(task).values():
        for row in rows:
            targets[normalised(whole_text(row))].add(_meaning(row))
    several = [text for text, found in targets.items() if len(found) > 1]
    if not several:
        return
    if task.rules.answer == "text":
        yield Finding("note", f"{len(several)} texts have different answers: {some(several)}")
    else:
        yield Finding("warning", f"{len(several)} texts have more than one label: {some(several)}")


def _meaning(row: Example) -> object:
    return frozenset(row.target) if isinstance(row.target, tuple) else row.target

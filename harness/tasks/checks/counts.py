"""How many rows and labels there are, and how unevenly they are spread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from harness.core.types import Example
from harness.tasks.checks.base import Finding, labelled_splits, some
from harness.tasks.domains import LeftOut
from harness.tasks.task import Task

UNEVEN = 10.0
"""From so many times the rows of the smallest class on, the largest is worth a word."""
ONE_SIDED = 0.9
"""The share of rows from which on a constant answer makes accuracy say little."""


def check_counts(task: Task) -> Iterator[Finding]:
    """Gives the size of each split, how its labels are spread, and what is left out."""
    if not task.train:
        able = "the label budget `source` and " if task.source_rows else ""
        yield Finding(
            "warning", f"there are no training rows: only {able}zero-shot methods can be run"
        )
    for name, rows in labelled_splits(task).items():
        yield Finding("note", f"{name}: {len(rows)} rows, {_spread(task, rows)}")
    if task.unlabelled:
        yield Finding("note", f"unlabelled: {len(task.unlabelled)} rows")
    if task.out_of_scope_train:
        yield Finding(
            "note",
            f"train: {task.out_of_scope_train} more rows have the out-of-scope label "
            f"{task.out_of_scope!r} and are left out",
        )
    yield from _left_out(task.left_out)
    yield from _imbalance(task)


def _left_out(left: LeftOut) -> Iterator[Finding]:
    """Gives what is left out of a task with two domains."""
    if left.neither:
        values = some(list(left.neither))
        count = sum(left.neither.values())
        yield Finding("warning", f"{count} rows are of neither domain and are left out: {values}")
    if left.out_of_scope:
        yield Finding(
            "note", f"source: {left.out_of_scope} more rows are out of scope and are left out"
        )
    if left.leaked:
        yield Finding(
            "note",
            f"source: {left.leaked} more rows have the text of a test row (case, punctuation and "
            "white space aside) and are left out",
        )


def classes_of(task: Task, row: Example) -> tuple[str, ...]:
    """Returns what a row counts for: its labels, or the letter of the right choice."""
    return (str(row.target),) if task.rules.answer == "choice" else task.rules.classes(row)


def _spread(task: Task, rows: Sequence[Example]) -> str:
    if task.rules.answer == "text":
        answers = {answer for row in rows for answer in row.target or () if answer}
        without = sum(not any(row.target or ()) for row in rows)
        return f"{len(answers)} different answers, {without} rows without one"
    counts = Counter(label for row in rows for label in classes_of(task, row))
    if not counts:
        return "none of them with a label"
    (most, high), (least, low) = counts.most_common(1)[0], counts.most_common()[-1]
    bare = sum(not classes_of(task, row) for row in rows)
    rest = f", {bare} rows without a label" if bare else ""
    return f"{len(counts)} labels, from {low} ({least}) to {high} ({most}){rest}"


def _imbalance(task: Task) -> Iterator[Finding]:
    if task.rules.answer == "text":
        return
    counts = Counter(label for row in task.train for label in classes_of(task, row))
    if counts and task.rules.answer != "choice":
        (most, high), (least, low) = counts.most_common(1)[0], counts.most_common()[-1]
        if high >= UNEVEN * low:
            yield Finding(
                "note",
                f"train: {most!r} has {high / low:.0f} times the rows of {least!r}: "
                "look at macro_f1 beside accuracy",
            )
    if single := [name for name, count in counts.items() if count == 1]:
        yield Finding("note", f"labels with one training row: {some(single)}")
    if task.rules.answer == "labels":
        return
    tested = Counter(label for row in task.test for label in classes_of(task, row))
    usual, times = tested.most_common(1)[0]
    share = times / len(task.test)
    if share >= ONE_SIDED and len(tested) > 1:
        yield Finding(
            "warning",
            f"test: {100 * share:.0f} % of the rows have the label {usual!r}: always answering "
            "that scores as much, so accuracy says little",
        )

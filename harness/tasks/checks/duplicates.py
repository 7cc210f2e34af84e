"""Texts that are there twice: within a split, and on both sides of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from harness.core.types import Example
from harness.tasks.checks.base import Finding, all_splits, some_places, whole_text
from harness.tasks.checks.near import near_texts
from harness.tasks.splits import normalised
from harness.tasks.task import Task

ASIDE = "(case, punctuation and white space aside)"


def check_duplicates(task: Task) -> Iterator[Finding]:
    """Gives repeats within splits, and test rows that are, or nearly are, in another split."""
    splits = all_splits(task)
    for name, rows in splits.items():
        texts = Counter(normalised(whole_text(row)) for row in rows)
        if repeats := texts.total() - len(texts):
            yield Finding("note", f"{name}: {repeats} rows repeat an earlier text {ASIDE}")
    for name in ("source", "train", "validation", "unlabelled"):
        if name in splits:
            yield from _across(task, name, splits[name])


def _across(task: Task, name: str, rows: Sequence[Example]) -> Iterator[Finding]:
    equal = {normalised(whole_text(row)) for row in rows}
    exact = {whole_text(row).strip() for row in rows}
    same = [row for row in task.test if normalised(whole_text(row)) in equal]
    if same:
        exactly = sum(whole_text(row).strip() in exact for row in same)
        yield Finding(
            "warning",
            f"{len(same)} test rows have a text that is in {name} too {ASIDE}, {exactly} of them "
            f"exactly: {some_places([f'row {row.row}' for row in same])}",
        )
    yield from _near(task, name, rows, without={row.row for row in same})


def _near(task: Task, name: str, rows: Sequence[Example], without: set[int]) -> Iterator[Finding]:
    left = [row for row in task.test if row.row not in without]
    other = {_read(task, row): row.row for row in reversed(rows)}
    texts = {_read(task, row): row.row for row in reversed(left)}
    numbers = list(other.values())
    pairs = [
        f"row {row} and {name} row {numbers[place]}"
        for row, place in sorted(
            zip(texts.values(), near_texts(list(texts), list(other)), strict=True)
        )
        if place is not None
    ]  # fmt: skip
    if pairs:
        yield Finding(
            "warning",
            f"{len(pairs)} more test texts nearly repeat one in {name} (0.8 of their three-word "
            f"pieces or more are the same): {some_places(pairs)}",
        )


def _read(task: Task, row: Example) -> str:
    """Returns what is asked about, without what a kind adds to it (the question for a slot)."""
    return "\n".join((task.text(row), *row.choices))

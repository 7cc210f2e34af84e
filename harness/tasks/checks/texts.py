"""Texts: how long they are, which say nothing, and which a model reads to its limit only."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Sequence

from harness.core.types import Example
from harness.tasks.checks.base import (
    Finding,
    TokenCounter,
    all_splits,
    labelled_splits,
    some_places,
    whole_text,
)
from harness.tasks.task import Task

VERY_LONG = 20_000
"""Characters of a text that no small model reads, and that hardly is one text."""
MANY_CUT = 0.05
"""The share of rows cut by a model from which on its scores may mislead."""


def check_texts(task: Task, counters: Sequence[TokenCounter] = ()) -> Iterator[Finding]:
    """Gives the lengths of texts, and the rows that are empty, very long or cut."""
    for name, rows in all_splits(task).items():
        lengths = [len(task.text(row)) for row in rows]
        yield Finding(
            "note",
            f"{name}: texts of {min(lengths):,} to {max(lengths):,} characters, "
            f"median {statistics.median(lengths):,.0f}",
        )
        yield from _empty(name, rows)
        long = [
            f"row {row.row} ({length:,})"
            for row, length in zip(rows, lengths, strict=True)
            if length > VERY_LONG
        ]
        if long:
            yield Finding(
                "warning",
                f"{name}: {len(long)} texts are longer than {VERY_LONG:,} characters: "
                f"{some_places(long)}",
            )
    for counter in counters:
        yield from _tokens(task, counter)


def _empty(name: str, rows: Sequence[Example]) -> Iterator[Finding]:
    silent = [f"row {row.row}" for row in rows if not any(map(str.isalnum, whole_text(row)))]
    if silent:
        yield Finding(
            "warning",
            f"{name}: {len(silent)} texts have no letter and no digit: {some_places(silent)}",
        )
    empty = Counter(
        field
        for row in rows
        for field, value in row.fields.items()
        if value is None or not str(value).strip()
    )
    for field, count in empty.items():
        yield Finding("note", f"{name}: the field {field!r} is empty in {count} rows")


def _tokens(task: Task, counter: TokenCounter) -> Iterator[Finding]:
    """Gives the tokens a row, and the share of rows that are longer than the model reads."""
    for name, rows in labelled_splits(task).items():
        counts = sorted(counter.count([task.text(row) for row in rows]))
        middle, high = statistics.median(counts), counts[(len(counts) * 95 - 1) // 100]
        said = (
            f"{name}: {counts[0]:,} to {counts[-1]:,} tokens a row for {counter.name}, median "
            f"{middle:,.0f}, 95 % up to {high:,}"
        )
        if counter.reads is None:
            yield Finding("note", said)
            continue
        cut = sum(count > counter.reads for count in counts)
        share = cut / len(counts)
        yield Finding(
            "warning" if share > MANY_CUT else "note",
            f"{said}; {cut} rows ({100 * share:.1f} %) are longer than the {counter.reads:,} that "
            "it reads",
        )

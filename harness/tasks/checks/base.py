"""What the checks share: a finding, the rows of a task by split, and when two texts are equal."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from harness.core.errors import shorten
from harness.core.types import Example

if TYPE_CHECKING:
    from harness.tasks.task import Task

Severity = Literal["error", "warning", "note"]
SHOWN = 5
SHOWN_CHARACTERS = 60


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One thing a check found.

    Attributes:
        severity: ``error`` (the task cannot be used), ``warning`` (scores may mislead) or
            ``note``.
        message: What was found, in a sentence or as an error message.
    """

    severity: Severity
    message: str


@dataclasses.dataclass(frozen=True, slots=True)
class TokenCounter:
    """Counts the tokens of texts as a model reads them.

    Attributes:
        name: The model's name.
        count: Returns the number of tokens of each text, special ones among them.
        reads: How many tokens of a text the model reads; None where that is not known.
    """

    name: str
    count: Callable[[Sequence[str]], Sequence[int]]
    reads: int | None = None


def labelled_splits(task: Task) -> dict[str, tuple[Example, ...]]:
    """Returns the rows with targets, by split; no split that is empty."""
    splits = {
        "source": task.source_rows,
        "train": task.train,
        "validation": task.validation,
        "test": task.test,
    }
    return {name: rows for name, rows in splits.items() if rows}


def all_splits(task: Task) -> dict[str, tuple[Example, ...]]:
    """Returns all rows, by split; no split that is empty."""
    unlabelled = {"unlabelled": task.unlabelled} if task.unlabelled else {}
    return labelled_splits(task) | unlabelled


def whole_text(row: Example) -> str:
    """Returns all that a row says: each field, each choice, a line each."""
    fields = ("" if value is None else str(value) for value in row.fields.values())
    return "\n".join((*fields, *row.choices))


def some(texts: Sequence[str]) -> str:
    """Returns the first few of some texts, and how many more there are."""
    shown = ", ".join(repr(shorten(text, SHOWN_CHARACTERS)) for text in texts[:SHOWN])
    return shown + _more(texts)


def some_places(places: Sequence[str]) -> str:
    """Returns the first few of some places, and how many more there are."""
    return ", ".join(places[:SHOWN]) + _more(places)


def _more(items: Sequence[str]) -> str:
    return f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Returns findings with errors first, then warnings, then notes."""
    ranks = {"error": 0, "warning": 1, "note": 2}
    return sorted(findings, key=lambda finding: ranks[finding.severity])

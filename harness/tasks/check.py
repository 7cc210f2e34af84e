"""What is worth knowing about a task before anything is spent on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.core.errors import UserError
from harness.tasks.checks.base import Finding, TokenCounter, in_order
from harness.tasks.checks.counts import check_counts
from harness.tasks.checks.duplicates import check_duplicates
from harness.tasks.checks.labels import check_labels
from harness.tasks.checks.personal import check_personal
from harness.tasks.checks.power import check_power
from harness.tasks.checks.texts import check_texts
from harness.tasks.task import load_task

__all__ = ["Finding", "TokenCounter", "check_task", "in_order"]


def check_task(
    name_or_path: str | Path,
    *,
    data_dir: Path | None = None,
    overrides: Sequence[str] = (),
    counters: Sequence[TokenCounter] = (),
) -> list[Finding]:
    """Reads a task and its data and returns what there is to say about them.

    Args:
        name_or_path: As for ``load_task``.
        data_dir: As for ``load_task``.
        overrides: As for ``load_task``.
        counters: Models whose tokens are counted.

    Returns:
        Errors first, then warnings, then notes.
    """
    try:
        task = load_task(name_or_path, data_dir=data_dir, overrides=overrides)
    except UserError as error:
        return [Finding("error", str(error))]
    return in_order(
        [
            *check_counts(task),
            *check_labels(task),
            *check_texts(task, counters),
            *check_duplicates(task),
            *check_personal(task),
            *check_power(task),
        ]
    )

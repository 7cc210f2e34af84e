"""How small a difference between two methods a test set can show."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import NormalDist

from harness.tasks.checks.base import Finding
from harness.tasks.task import Task

LEVEL = 0.05
POWER = 0.8
DISAGREEMENT = 0.15
"""The share of rows on which one of two methods is right and the other wrong: an assumption."""
MEASURE = {"labels": "rows with all labels right", "text": "exact match"}


def rows_needed(difference: float, disagreement: float = DISAGREEMENT) -> float:
    """Returns the number of test rows that show a difference in accuracy with 80 % power.

    Both methods predict the same rows, and McNemar's test, two-sided at 5 %, compares them. With d
    the difference of their accuracies and p the share of rows on which one is right and the other
    wrong, it takes ``(1.96 sqrt(p) + 0.84 sqrt(p - d^2))^2 / d^2`` rows (Connor 1987, "Sample size
    for testing differences in proportions for the paired-sample design", Biometrics 43; Miettinen
    1968, Biometrics 24).

    Args:
        difference: From 0 to 1, not 0.
        disagreement: The share p; at least the difference is taken, because two accuracies cannot
            be further apart than the methods disagree.
    """
    normal = NormalDist()
    level, power = normal.inv_cdf(1 - LEVEL / 2), normal.inv_cdf(POWER)
    share = max(disagreement, difference)
    spread = level * math.sqrt(share) + power * math.sqrt(share - difference**2)
    return (spread / difference) ** 2


def detectable(rows: int) -> float | None:
    """Returns the smallest difference that so many test rows show, from 0 to 1; None if none."""
    low, high = 0.0, 1.0
    if rows < rows_needed(high):
        return None
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (low, middle) if rows_needed(middle) <= rows else (middle, high)
    return high


def check_power(task: Task) -> Iterator[Finding]:
    """Gives the smallest difference that the test rows can show."""
    rows, measure = len(task.test), MEASURE.get(task.rules.answer, "accuracy")
    smallest = detectable(rows)
    if smallest is None:
        yield Finding("note", f"{rows} test rows can show no difference between two methods")
        return
    yield Finding(
        "note",
        f"with {rows:,} test rows a difference of about {100 * smallest:.2g} points in {measure} "
        f"can be seen (in {100 * POWER:.0f} % of cases at the level of {100 * LEVEL:.0f} %, for "
        f"two methods of which one is right and the other wrong on {100 * DISAGREEMENT:.0f} % of "
        "the rows)",
    )

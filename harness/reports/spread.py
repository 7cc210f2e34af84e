"""How far a task's first metric moves with what is chosen by chance: the draw, and the prompt."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import stdev
from typing import Any

from harness.metrics import MetricEntry
from harness.metrics.base import ScoredRows
from harness.reports.evaluate import Group, metrics_of
from harness.store.manifest import TaskRow

Row = dict[str, Any]

SPREAD = ("sd_over_draws", "sd_over_prompts")
SHARED = ("task", "method", "settings", "model", "labels")


def first_metric(task: TaskRow) -> MetricEntry | None:
    """Returns the first metric of a task that is one number, not one for each label."""
    return next((entry for entry in metrics_of(task) if not entry.per_class), None)


def over_draws(group: Group) -> float | None:
    """Returns the standard deviation (n - 1) of the first metric over the finished draws.

    None where there are fewer than two, or the metric is undefined for one of them.
    """
    entry = first_metric(group.task)
    if entry is None:
        return None
    return _deviation([_value(entry, cell.scored_for(entry)) for cell in group.cells])


def add_over_prompts(rows: Sequence[Row], tasks: Mapping[str, TaskRow]) -> None:
    """Adds to rows of the table how far the first metric moves with the prompt alone.

    It is the standard deviation (n - 1) over the rows that share everything but the prompt and
    have a finished draw, each the mean of its draws; all of these rows get the same.
    """
    alike: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        if row["draws"]:
            alike[tuple(row[name] for name in SHARED)].append(row)
    for (task, *_), members in alike.items():
        entry = first_metric(tasks[task])
        found = _deviation([row.get(entry.name) for row in members]) if entry else None
        for row in members:
            row["sd_over_prompts"] = found


def _value(entry: MetricEntry, scored: ScoredRows) -> float | None:
    metric = entry.load()()
    if metric.needs_probabilities and not scored.has_probabilities:
        return None
    return float(metric.aggregate(metric.statistics(scored).sum(axis=0)))


def _deviation(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None and not math.isnan(value)]
    return stdev(known) if len(known) == len(values) > 1 else None

"""From a run's folder to estimates, one row of the table at a time. Reads files only."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.core.errors import DataError
from harness.core.types import Estimate, Example, Prediction
from harness.metrics import METRICS, MetricEntry, metric_for, metrics_for
from harness.metrics.base import ScoredRows
from harness.metrics.evaluate import ClassEstimates, estimates, score
from harness.metrics.scored import ScoredScope
from harness.store.cells import COSTS_FILE, CellStore
from harness.store.manifest import CellRow, TaskRow, examples_file, read_manifest
from harness.store.predictions import damaged, read_examples

Estimates = dict[str, Estimate | ClassEstimates]

COSTS = ("fit_seconds", "predict_seconds", "tokens", "peak_memory_mb", "test_rows")


@dataclasses.dataclass(frozen=True, slots=True)
class FinishedCell:
    """One cell whose predictions are there.

    Attributes:
        row: Its line in the manifest.
        examples: The test rows with what is right, those out of scope too.
        predictions: What was predicted for each example.
        scored: The rows in scope, as metrics of the task's kind take them.
        scope: All rows, as metrics of the scope take them.
        costs: What was measured while it was computed.
    """

    row: CellRow
    examples: Sequence[Example]
    predictions: Sequence[Prediction]
    scored: ScoredRows
    scope: ScoredScope
    costs: dict[str, Any]

    def scored_for(self, entry: MetricEntry) -> ScoredRows:
        """Returns the rows as a metric takes them."""
        return self.scope if entry.scope else self.scored

    @property
    def failed_requests(self) -> int:
        """How many test rows have no answer because the request failed."""
        return sum(made.failure == "request" for made in self.predictions)

    @property
    def unread(self) -> int:
        """How many test rows have an answer that could not be read."""
        unanswered = sum(made.output is None for made in self.predictions)
        return unanswered - self.failed_requests


@dataclasses.dataclass(frozen=True)
class Group:
    """The draws of one row of the table.

    Attributes:
        task: The task they are of.
        listed: Their lines in the manifest; those that share an identity count once.
        cells: The finished ones.
        failures: Why others could not be computed.
        seed: Picks the resamples of every estimate.
    """

    task: TaskRow
    listed: tuple[CellRow, ...]
    cells: tuple[FinishedCell, ...]
    failures: tuple[str, ...]
    seed: int

    @property
    def expected(self) -> int:
        """How many draws there should be."""
        return len({row.identity for row in self.listed})

    @property
    def out_of_scope_rows(self) -> int | None:
        """How many test rows are left out of the metrics; None where no cell is finished."""
        if not self.cells:
            return None
        return len(self.cells[0].examples) - self.cells[0].scored.rows

    @functools.cached_property
    def estimates(self) -> Estimates:
        """Mean of the draws and interval over test rows and draws, by metric.

        The accuracy is always there where the kind has one, named by the task or not. Empty
        where no cell is finished.
        """
        return self._estimates(self.cells) if self.cells else {}

    def cell_estimates(self, cell: FinishedCell) -> Estimates:
        """Returns one draw's values, with intervals over the test rows."""
        return self.estimates if len(self.cells) == 1 else self._estimates([cell])

    def _estimates(self, cells: Sequence[FinishedCell]) -> Estimates:
        entries = {entry.name: entry for entry in metrics_of(self.task)}
        accuracy = METRICS.get("accuracy")
        if self.task.kind in accuracy.kinds:
            entries.setdefault(accuracy.name, accuracy)
        found: Estimates = {}
        for of_scope in (False, True):
            chosen = [entry for entry in entries.values() if entry.scope is of_scope]
            if chosen:
                draws = [cell.scored_for(chosen[0]) for cell in cells]
                metrics = [entry.load()() for entry in chosen]
                found |= estimates(metrics, draws, seed=self.seed)
        return found


def metrics_of(task: TaskRow) -> list[MetricEntry]:
    """Returns the metrics a task names, or else all that fit it.

    Raises:
        UserError: The task names a metric that does not exist, or does not fit it.
    """
    scope = task.out_of_scope is not None
    where = f"task {task.name}: metrics"
    if task.metrics:
        return [metric_for(task.kind, name, scope=scope, where=where) for name in task.metrics]
    return metrics_for(task.kind, scope=scope)


class RunReader:
    """Reads a run's folder.

    Args:
        run_dir: The folder, with a manifest.

    Raises:
        UserError: The folder holds no run.
    """

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self.manifest = read_manifest(run_dir)
        self.store = CellStore(run_dir)
        self._examples: dict[str, list[Example]] = {}

    def groups(self) -> Iterator[Group]:
        """Yields the rows of the table, in the order of the manifest.

        One at a time, so that the predictions of one row are in memory and not those of all.

        Raises:
            DataError: A cell's predictions are not those of the task's test rows.
        """
        grouped: dict[tuple[str, ...], list[CellRow]] = {}
        for row in self.manifest.cells:
            grouped.setdefault(row.group, []).append(row)
        for listed in grouped.values():
            yield self._group(listed)

    def _group(self, listed: Sequence[CellRow]) -> Group:
        task = self.manifest.tasks[listed[0].task]
        failures = self.manifest.failures
        # Reversed, so that of the draws that share an identity the first stays.
        distinct = {row.identity: row for row in reversed(listed)}
        there = {identity: row for identity, row in distinct.items() if self.store.has(identity)}
        # What failed here another process may have finished meanwhile.
        missing = [row.identity for row in listed if row.identity not in there]
        return Group(
            task=task,
            listed=tuple(listed),
            cells=tuple(self._cell(task, row) for row in reversed(there.values())),
            failures=tuple(dict.fromkeys(failures[one] for one in missing if one in failures)),
            seed=self.manifest.seed,
        )

    def _cell(self, task: TaskRow, row: CellRow) -> FinishedCell:
        examples = self._task_examples(task.name)
        stored = self.store.predictions(row.identity)
        made = dict(zip(stored.rows, stored.predictions, strict=True))
        if made.keys() != {example.row for example in examples}:
            raise DataError(
                "these predictions are not of the task's test rows",
                where=str(self.store.folder / row.identity),
                found=f"{len(made)} rows",
                expected=f"the {len(examples)} rows of {examples_file(self.run_dir, task.name)}",
                hint="run it again into a new folder",
            )
        predictions = [made[example.row] for example in examples]
        try:
            scored = score(
                task.kind, task.labels, examples, predictions, out_of_scope=task.out_of_scope
            )
        except ValueError as error:
            raise DataError(str(error), where=str(self.store.folder / row.identity)) from error
        scope = ScoredScope.from_predictions(task.out_of_scope, examples, predictions)
        return FinishedCell(row, examples, predictions, scored, scope, self._costs(row.identity))

    def _costs(self, identity: str) -> dict[str, Any]:
        costs = self.store.costs(identity)
        wrong = [name for name in COSTS if not isinstance(costs.get(name), int | float)]
        if wrong:
            folder = self.store.folder / identity
            raise damaged(folder / COSTS_FILE, f"no number for {', '.join(wrong)}", delete=folder)
        return costs

    def _task_examples(self, task: str) -> list[Example]:
        if task not in self._examples:
            self._examples[task] = read_examples(examples_file(self.run_dir, task))
        return self._examples[task]

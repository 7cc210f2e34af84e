"""A run as data frames: a row for each method, for each cell and metric, for each prediction.

What is undefined is a missing value, never 0.0.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from harness.core.files import atomic_write
from harness.core.progress import Progress
from harness.core.types import Estimate, FieldValue, Prediction, Target
from harness.metrics import METRICS
from harness.reports.evaluate import FinishedCell, Group, RunReader, metrics_of
from harness.reports.formats import FORMATS
from harness.reports.spread import SPREAD, add_over_prompts, over_draws
from harness.store.manifest import CellRow, Manifest

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]

TABLE_FILE = "table.csv"
CELLS_FILE = "cells.csv"
COORDINATES = ("task", "method", "settings", "model", "prompt", "labels")
MEASURED = ("fit_seconds", "predict_seconds", "seconds_per_example", "peak_memory_mb")
"""Columns that differ from one computation to the next: outside the promise of equal bytes."""

_TEXT, _COUNT, _NUMBER = "string", "Int64", "float64"
_CELL_COLUMNS = {
    **dict.fromkeys(COORDINATES, _TEXT),
    **dict.fromkeys(("draw", "train_rows", "test_rows"), _COUNT),
    **dict.fromkeys(("metric", "label"), _TEXT),
    **dict.fromkeys(("value", "low", "high", "fit_seconds", "predict_seconds"), _NUMBER),
    "tokens_read": _COUNT,
    "peak_memory_mb": _NUMBER,
    "identity": _TEXT,
}
_PREDICTION_COLUMNS = {
    **dict.fromkeys(COORDINATES, _TEXT),
    **dict.fromkeys(("draw", "row"), _COUNT),
    **dict.fromkeys(("gold", "output", "failure"), _TEXT),
    "probability": _NUMBER,
}
_CHOICES_COLUMN = {"choices": _TEXT}
_FIELD_TYPES = {str: _TEXT, int: _COUNT, float: _NUMBER, bool: "boolean"}


def write_tables(run_dir: Path) -> pd.DataFrame:
    """Writes ``table.csv`` and ``cells.csv`` into the run's folder, each whole or not at all.

    Returns:
        What ``table.csv`` holds.
    """
    reader = RunReader(run_dir)
    rows: list[Row] = []
    cells: list[Row] = []
    for group in _evaluating(reader):
        rows.append(_table_row(group))
        cells.extend(_cell_rows(group))
    table = _table(rows, reader.manifest)
    csv = FORMATS.get("csv").load()
    atomic_write(run_dir / TABLE_FILE, csv(table))
    atomic_write(run_dir / CELLS_FILE, csv(_frame(cells, _CELL_COLUMNS)))
    return table


def run_table(run_dir: Path) -> pd.DataFrame:
    """Returns a row for each task, method, settings, model, prompt and label budget.

    Raises:
        UserError: The folder holds no run.
        DataError: Its files do not belong together.
    """
    reader = RunReader(run_dir)
    return _table([_table_row(group) for group in _evaluating(reader)], reader.manifest)


def cells_table(run_dir: Path) -> pd.DataFrame:
    """Returns a row for each finished cell and metric; for a per-class metric, each label too.

    Raises:
        UserError: The folder holds no run.
        DataError: Its files do not belong together.
    """
    rows = [row for group in _evaluating(RunReader(run_dir)) for row in _cell_rows(group)]
    return _frame(rows, _CELL_COLUMNS)


def predictions_table(run_dir: Path) -> pd.DataFrame:
    """Returns a row for each finished cell and test row, with the example's fields.

    Raises:
        UserError: The folder holds no run.
        DataError: Its files do not belong together.
    """
    import pandas as pd

    groups = RunReader(run_dir).groups()
    cells = [_prediction_frame(group, cell) for group in groups for cell in group.cells]
    return pd.concat([_frame([], _PREDICTION_COLUMNS), *cells], ignore_index=True)


def _evaluating(reader: RunReader) -> Iterator[Group]:
    """Yields the groups and shows how many have been worked on: the bootstrap takes its time."""
    total = len({row.group for row in reader.manifest.cells})
    with Progress("metrics", total, "row") as progress:
        for group in reader.groups():
            yield group
            progress.update()


def _table(rows: Sequence[Row], manifest: Manifest) -> pd.DataFrame:
    add_over_prompts(rows, manifest.tasks)
    return _frame(rows, _table_columns(manifest))


def _table_columns(manifest: Manifest) -> dict[str, str]:
    parts = [name + end for name in _metrics(manifest) for end in ("", "_low", "_high")]
    return {
        **dict.fromkeys(COORDINATES, _TEXT),
        **dict.fromkeys(("draws", "test_rows"), _COUNT),
        **dict.fromkeys((*parts, *SPREAD), _NUMBER),
        **dict.fromkeys(("fit_seconds", "seconds_per_example"), _NUMBER),
        "tokens_read": _COUNT,
        "peak_memory_mb": _NUMBER,
        **dict.fromkeys(("out_of_scope_rows", "shortened_rows"), _COUNT),
        **dict.fromkeys(("unread", "failed_requests"), _COUNT),
        "warnings": _TEXT,
    }


def _metrics(manifest: Manifest) -> list[str]:
    """Returns the metrics of all tasks, in the order of their table where no task names any."""
    tasks = manifest.tasks.values()
    used = {e.name: None for task in tasks for e in metrics_of(task) if not e.per_class}
    ordered = used if any(task.metrics for task in tasks) else METRICS.entries()
    return [name for name in ordered if name in used]


def _table_row(group: Group) -> Row:
    row = _coordinates(group.listed[0]) | {
        "draws": len(group.cells),
        "test_rows": group.task.test_rows,
        "sd_over_draws": over_draws(group),
        "out_of_scope_rows": group.out_of_scope_rows,
        "warnings": "; ".join(_warnings(group)),
    }
    for name in (entry.name for entry in metrics_of(group.task)):
        found = group.estimates.get(name)
        if isinstance(found, Estimate):
            row |= {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
    return row | _group_costs(group.cells)


def _group_costs(cells: Sequence[FinishedCell]) -> Row:
    if not cells:
        return {}
    costs = [cell.costs for cell in cells]
    examples = sum(cost["test_rows"] for cost in costs)
    seconds = sum(cost["predict_seconds"] for cost in costs)
    return {
        "fit_seconds": fmean(cost["fit_seconds"] for cost in costs),
        "seconds_per_example": seconds / examples if examples else None,
        "tokens_read": round(fmean(cost["tokens"] for cost in costs)),
        "peak_memory_mb": max(cost["peak_memory_mb"] for cost in costs),
        "shortened_rows": sum(cost.get("shortened_rows", 0) for cost in costs),
        "unread": sum(cell.unread for cell in cells),
        "failed_requests": sum(cell.failed_requests for cell in cells),
    }


def _on_one_line(reason: str) -> str:
    parts = re.split(r"\n\s*(?=(?:found|expected|hint): )", reason)
    return "; ".join(" ".join(part.split()) for part in parts)


def _warnings(group: Group) -> list[str]:
    found = list(dict.fromkeys(note for row in group.listed for note in row.notes))
    found += [f"failed: {_on_one_line(reason)}" for reason in group.failures]
    found += dict.fromkeys(note for cell in group.cells for note in cell.costs.get("notes", ()))
    if any(cell.costs.get("halved") for cell in group.cells):
        found.append("equal to other runs' within 1e-4 only: memory ran short, and passes were cut")
    if missing := group.expected - len(group.cells):
        found.append(f"{missing} of {group.expected} draws missing")
    accuracy = group.estimates.get("accuracy")
    majority = group.task.majority
    if (
        isinstance(accuracy, Estimate)
        and accuracy.low is not None
        and majority is not None
        and accuracy.low <= majority
        and group.listed[0].method != "majority"
    ):
        found.append(f"near chance: accuracy interval reaches the majority class ({majority:.3f})")
    return found


def _cell_rows(group: Group) -> Iterable[Row]:
    for cell in group.cells:
        shared = _coordinates(cell.row) | {
            "draw": cell.row.draw,
            "train_rows": cell.row.train_rows,
            "test_rows": len(cell.examples),
            "fit_seconds": cell.costs["fit_seconds"],
            "predict_seconds": cell.costs["predict_seconds"],
            "tokens_read": cell.costs["tokens"],
            "peak_memory_mb": cell.costs["peak_memory_mb"],
            "identity": cell.row.identity,
        }
        estimates = group.cell_estimates(cell)
        for entry in metrics_of(group.task):
            found = estimates[entry.name]
            by_label = found if isinstance(found, dict) else {None: found}
            for label, one in by_label.items():
                value = {"value": one.value, "low": one.low, "high": one.high}
                yield shared | {"metric": entry.name, "label": label} | value


def _prediction_frame(group: Group, cell: FinishedCell) -> pd.DataFrame:
    position = {label: place for place, label in enumerate(group.task.labels)}
    fixed = _coordinates(cell.row) | {"draw": cell.row.draw}
    rows = [
        fixed
        | {
            "row": example.row,
            "gold": _written(example.target),
            "output": _written(made.output),
            "failure": made.failure,
            "probability": _probability(made, position),
            "choices": _written(example.choices),
        }
        | {f"field_{name}": value for name, value in example.fields.items()}
        for example, made in zip(cell.examples, cell.predictions, strict=True)
    ]
    fields = [f"field_{name}" for name in cell.examples[0].fields] if cell.examples else []
    types = {name: _field_type([row[name] for row in rows]) for name in fields}
    choices = _CHOICES_COLUMN if any(example.choices for example in cell.examples) else {}
    return _frame(rows, _PREDICTION_COLUMNS | choices | types)


def _written(value: Target | None) -> str | None:
    """Returns a text as it is, and several as a JSON list."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, tuple) else value


def _probability(made: Prediction, position: Mapping[str, int]) -> float | None:
    """Returns the probability of the label given, where it is one label and has one."""
    if made.probabilities is None or not isinstance(made.output, str):
        return None
    place = position.get(made.output)
    return None if place is None else made.probabilities[place]


def _field_type(values: Iterable[FieldValue]) -> str:
    found = {type(value) for value in values if value is not None}
    return _FIELD_TYPES[found.pop()] if len(found) == 1 else "object"


def _coordinates(row: CellRow) -> Row:
    return dict(zip(COORDINATES, row.group, strict=True))


def _frame(rows: Sequence[Row], columns: Mapping[str, str]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            name: pd.Series([row.get(name) for row in rows], dtype=kind)
            for name, kind in columns.items()
        }
    )

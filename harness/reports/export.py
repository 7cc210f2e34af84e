"""One or several runs as one table in any export format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core.errors import UserError, unknown_name
from harness.core.files import atomic_write
from harness.reports.formats import FORMATS
from harness.reports.table import cells_table, predictions_table, run_table

if TYPE_CHECKING:
    import pandas as pd

ROWS: dict[str, Callable[[Path], pd.DataFrame]] = {
    "table": run_table,
    "cells": cells_table,
    "predictions": predictions_table,
}


def export(
    run_dirs: Sequence[Path],
    *,
    rows: str = "table",
    format: str = "csv",  # noqa: A002 - the word of the command line
    output: Path | None = None,
) -> bytes:
    """Returns the runs' rows in a format, and writes them to a file where one is named.

    Several runs stand one after the other, with the name of each run's folder in a first column.

    Args:
        run_dirs: The folders of the runs, at least one.
        rows: What a row is: ``table``, ``cells`` or ``predictions``.
        format: A name of the table of formats.
        output: The file to write, whole or not at all.

    Raises:
        UserError: A folder holds no run, or there is no such format or kind of row.
        DataError: A run's files do not belong together.
    """
    if not run_dirs:
        raise UserError("no run to export", expected="at least one RUN_DIR")
    if rows not in ROWS:
        raise unknown_name("kind of row", rows, ROWS, where="--rows")
    render = FORMATS.get(format, where="--format").load()
    frames = [ROWS[rows](run_dir) for run_dir in run_dirs]
    content: bytes = render(frames[0] if len(frames) == 1 else _joined(run_dirs, frames))
    if output is not None:
        atomic_write(output, content)
    return content


def _joined(run_dirs: Sequence[Path], frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    for name, frame in zip(_run_names(run_dirs), frames, strict=True):
        frame.insert(0, "run", pd.Series([name] * len(frame), dtype="string"))
    columns = _joined_columns([[str(name) for name in frame] for frame in frames])
    return pd.concat(frames, ignore_index=True)[columns]


def _run_names(run_dirs: Sequence[Path]) -> list[str]:
    """Returns the folders' names; the whole path where two have the same name."""
    names = [path.resolve().name for path in run_dirs]
    often = Counter(names)
    return [
        name if often[name] == 1 else str(path) for name, path in zip(names, run_dirs, strict=True)
    ]


def _joined_columns(frames: Sequence[Sequence[str]]) -> list[str]:
    """Returns every column once; one that only a later frame has stays behind its neighbour."""
    columns: list[str] = []
    for names in frames:
        place = 0
        for name in names:
            if name not in columns:
                columns.insert(place, name)
            place = columns.index(name) + 1
    return columns

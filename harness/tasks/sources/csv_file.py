"""Comma-separated values; every cell is text, an empty cell is an empty text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.core.errors import DataError
from harness.tasks.sources.base import FileReader, check_columns, read_text
from harness.tasks.sources.delimited import MAX_CELL, cells_up_to, delimited_rows


class CsvFile(FileReader):
    """A CSV file in UTF-8 whose first row names the columns; blank lines are skipped."""

    def table(self, path: Path, columns: Sequence[str]) -> tuple[list[dict[str, str]], list[int]]:
        """Returns these columns of every row, and the line each begins in."""
        with cells_up_to(MAX_CELL):
            return _read(path, columns)


def _read(path: Path, columns: Sequence[str]) -> tuple[list[dict[str, str]], list[int]]:
    rows: list[dict[str, str]] = []
    lines: list[int] = []
    header: list[str] = []
    for line, cells in delimited_rows(read_text(path), path):
        if not header:
            header = cells
            _check_header(header, columns, f"{path}:{line}")
        elif cells:
            _check_width(cells, header, f"{path}:{line}")
            row = dict(zip(header, cells, strict=True))
            rows.append({column: row[column] for column in columns})
            lines.append(line)
    if not header:
        raise DataError("this file is empty", where=str(path), expected="a row of column names")
    return rows, lines


def _check_header(header: list[str], columns: Sequence[str], where: str) -> None:
    check_columns(header, columns, where)
    for column in columns:
        if header.count(column) > 1:
            raise DataError("two columns have the same name", where=where, found=column)


def _check_width(cells: list[str], header: list[str], where: str) -> None:
    if len(cells) != len(header):
        raise DataError(
            "this row has another number of cells than the header",
            where=where,
            found=len(cells),
            expected=f"{len(header)} cells",
            hint="a text that holds a comma or a line break needs quotes around it",
        )

"""Comma-separated values; every cell is text, an empty cell is an empty text."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.core.errors import DataError
from harness.tasks.sources.base import FileReader, check_columns, read_text

MAX_CELL = 10_000_000  # characters; Python's own limit is less than a long e-mail thread


class CsvFile(FileReader):
    """A CSV file in UTF-8 whose first row names the columns; blank lines are skipped."""

    def table(self, path: Path, columns: Sequence[str]) -> tuple[list[dict[str, str]], list[int]]:
        """Returns these columns of every row, and the line each begins in."""
        with _cells_up_to(MAX_CELL):
            return _read(path, columns)


def _read(path: Path, columns: Sequence[str]) -> tuple[list[dict[str, str]], list[int]]:
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    rows: list[dict[str, str]] = []
    lines: list[int] = []
    header: list[str] = []
    begins = 1
    try:
        for cells in reader:
            if not header:
                header = cells
                _check_header(header, columns, f"{path}:{begins}")
            elif cells:
                _check_width(cells, header, f"{path}:{begins}")
                row = dict(zip(header, cells, strict=True))
                rows.append({column: row[column] for column in columns})
                lines.append(begins)
            begins = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"not valid CSV: {error}", where=f"{path}:{begins}") from None
    if not header:
        raise DataError("this file is empty", where=str(path), expected="a row of column names")
    return rows, lines


@contextlib.contextmanager
def _cells_up_to(limit: int) -> Iterator[None]:
    """Lets cells have so many characters, and puts the process-wide limit back."""
    before = csv.field_size_limit(limit)
    try:
        yield
    finally:
        csv.field_size_limit(before)


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

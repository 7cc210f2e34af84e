"""Spreadsheets (.xlsx): the first sheet that holds anything, values as text."""

from __future__ import annotations

import dataclasses
import datetime
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.core.errors import DataError
from harness.core.schema import Located
from harness.tasks.source_schema import Source
from harness.tasks.sources.base import FileReader, Table, check_columns

MOST_EXACT = 2**53
"""From here on a float is not every whole number."""
_CARRIAGE_RETURN = re.compile("_x000[Dd]_\n?|\r\n?")


@dataclasses.dataclass(frozen=True, slots=True)
class Sheet:
    """The sheet that is read.

    Attributes:
        name: Its name.
        header: The column names, those of empty cells "".
        rows: Its other rows that are not blank: number (from 1, as a spreadsheet shows it) and
            cells.
    """

    name: str
    header: tuple[str, ...]
    rows: Sequence[tuple[int, Sequence[Any]]]


class XlsxFile(FileReader):
    """A spreadsheet whose first row names the columns; blank rows are skipped.

    A whole number is text without a fraction, a date is ISO 8601, a truth value is true or false,
    an empty cell an empty text. Of a formula its last value counts.
    """

    def __init__(self) -> None:
        self._sheets: dict[str, str] = {}

    def columns(self, path: Path) -> list[str]:
        """Returns the column names of the sheet that is read.

        Raises:
            DataError: The file is damaged, or holds nothing.
        """
        return list(_sheet(path).header)

    def table(self, path: Path, columns: Sequence[str]) -> tuple[list[dict[str, str]], list[int]]:
        """Returns these columns of every row, and the row's number in the sheet."""
        sheet = _sheet(path)
        place = _place(path, sheet.name)
        self._sheets[str(path)] = place
        check_columns(sheet.header, columns, place)
        for column in columns:
            if sheet.header.count(column) > 1:
                raise DataError("two columns have the same name", where=place, found=column)
        places = {column: sheet.header.index(column) for column in columns}
        rows = [
            {
                column: _text(cells, at, f"{place}, row {number}, column {column!r}")
                for column, at in places.items()
            }
            for number, cells in sheet.rows
        ]
        return rows, [number for number, _ in sheet.rows]

    def read(
        self, source: Source, roots: Sequence[Path], yaml: Located, field: tuple[str | int, ...]
    ) -> dict[str, Table]:
        """Returns the table of each split; their places name the sheet."""
        return {
            split: dataclasses.replace(table, place=self._sheets.get(table.place, table.place))
            for split, table in super().read(source, roots, yaml, field).items()
        }


def _place(path: Path, sheet: str) -> str:
    return f"{path}, sheet {sheet!r}"


def _sheet(path: Path) -> Sheet:
    """Returns the first sheet that holds anything."""
    import openpyxl

    names = []
    try:
        # From an open file, because openpyxl looks at the ending of a name.
        with path.open("rb") as file, warnings.catch_warnings(action="ignore"):
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            for sheet in book.worksheets:
                names.append(sheet.title)
                sheet.reset_dimensions()  # what a file says of its size is often wrong
                rows = [(n, row) for n, row in enumerate(sheet.iter_rows(), 1) if not _blank(row)]
                if rows:
                    return _with_header(path, sheet.title, rows)
    except DataError:
        raise
    # A damaged file makes openpyxl, zipfile or whichever XML library is installed raise anything.
    except Exception as error:
        detail = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(
            f"not a readable .xlsx file: {detail}",
            where=str(path),
            hint="one of another format or with a password: open it and save it as .xlsx",
        ) from error
    raise DataError(
        "this file is empty", where=str(path), found=f"the sheets {', '.join(names)}",
        expected="a sheet with a row of column names",
    )  # fmt: skip


def _with_header(path: Path, name: str, rows: Sequence[tuple[int, Sequence[Any]]]) -> Sheet:
    first, cells = rows[0]
    others = rows[1:]
    width = 1 + max(at for at, cell in enumerate(cells) if not _is_empty(cell))
    place = f"{_place(path, name)}, row {first}, column"
    header = tuple(_text(cells, at, f"{place} {at + 1}") for at in range(width))
    for number, row in others:
        if beyond := [cell.value for cell in row[width:] if not _is_empty(cell)]:
            raise DataError(
                "this row has more cells than the header",
                where=f"{_place(path, name)}, row {number}",
                found=beyond[0],
                expected=f"nothing beyond column {width}, the last one with a name in row {first}",
            )
    return Sheet(name, header, others)


def _blank(row: Sequence[Any]) -> bool:
    return all(map(_is_empty, row))


def _is_empty(cell: Any) -> bool:
    return cell.value is None or (isinstance(cell.value, str) and not cell.value.strip())


def _text(cells: Sequence[Any], at: int, where: str) -> str:
    """Returns a cell as text; a row may end before its last columns."""
    if at >= len(cells):
        return ""
    if cells[at].data_type == "e":
        raise DataError(
            "the formula of this cell failed", where=where, found=cells[at].value,
            hint="mend it in the spreadsheet, or empty the cell",
        )  # fmt: skip
    return _written(cells[at].value)


def _written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < MOST_EXACT:
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return _CARRIAGE_RETURN.sub("\n", str(value))

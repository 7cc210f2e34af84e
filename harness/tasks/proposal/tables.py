"""The tables that a task is proposed for: all columns of a file, or of a data set of the hub."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.core.errors import DataError, UserError, nearest
from harness.core.files import sha256_file
from harness.core.schema import Located
from harness.tasks.proposal.columns import read_json
from harness.tasks.proposal.csv_text import read_csv
from harness.tasks.source_schema import Source
from harness.tasks.sources import SOURCES
from harness.tasks.sources.base import NotHereError

LEAST_ROWS = 4
"""Two labels, each on a row to train on and a row to test on."""

_WAYS_OUT = {
    ".xls": "save it as .xlsx",
    ".ods": "save it as .xlsx",
    ".tsv": "rename it .csv: tabs between the cells are understood",
    ".txt": "rename it .csv where it is a table",
    ".json": "write one object a line, into a file .jsonl",
}


@dataclasses.dataclass(frozen=True)
class RawTable:
    """All columns of a file, or of a split of the hub.

    Attributes:
        place: The file, or the data set and its split.
        columns: Its columns that have a name.
        rows: Its rows, as text; a missing value is blank.
        path: The file; None for the hub.
        unclean: Why the file cannot be read by a task as it is; "" where it can.
        left_out: Columns that only some of the rows have.
    """

    place: str
    columns: Sequence[str]
    rows: Sequence[Mapping[str, str]]
    path: Path | None = None
    unclean: str = ""
    left_out: Sequence[str] = ()

    @property
    def sha256(self) -> str:
        """The sha256 of the file, in hexadecimal; "" for the hub."""
        return sha256_file(self.path) if self.path else ""


def read_file(path: Path) -> RawTable:
    """Returns all columns of a file.

    Raises:
        UserError: There is no such file, or nothing here reads its format.
        DataError: It is damaged, has fewer than two columns, no rows, or a name twice.
    """
    if not path.is_file():
        what = "this is a folder" if path.is_dir() else "there is no such file"
        close = nearest(path.name, _names_in(path.parent))
        hint = f"did you mean {str(path.parent / close)!r}?" if close else None
        raise UserError(what, where=str(path), expected="a data file", hint=hint)
    by_ending = {ending: entry for entry in SOURCES for ending in entry.endings}
    entry = by_ending.get(path.suffix.lower())
    if entry is None:
        raise UserError(
            "the format cannot be told from the file's ending",
            where=str(path),
            found=path.suffix,
            expected=f"one of {', '.join(by_ending)}",
            hint=_way_out(path.suffix.lower(), by_ending),
        )
    table = _csv(path) if entry.name == "csv" else _other(path, entry.name, entry.load()())
    if not table.rows:
        found = f"the columns {', '.join(table.columns)}" if table.columns else None
        raise DataError("there are no rows", where=table.place, found=found)
    if len(table.columns) < 2:
        raise DataError(
            "there is one column only",
            where=table.place,
            found=", ".join(table.columns),
            expected="a column of texts and one of labels or answers, with names in the first row",
        )
    if len(table.rows) < LEAST_ROWS:
        raise DataError(
            "there are too few rows for a task",
            where=table.place,
            found=f"{len(table.rows)} rows",
            expected=f"at least {LEAST_ROWS}",
        )
    return table


def _way_out(ending: str, known: Iterable[str]) -> str | None:
    """Returns what to do about a file of an ending that nothing reads."""
    if ending in _WAYS_OUT:
        return _WAYS_OUT[ending]
    close = nearest(ending, known)
    return f"did you mean {close!r}?" if close else None


def _names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()] if folder.is_dir() else []


def _csv(path: Path) -> RawTable:
    read = read_csv(path)
    header = [name.strip() for name in read.header]
    _check_header(header, str(path))
    unclean = read.unclean
    if header != list(read.header):
        unclean = " and ".join(filter(None, [unclean, "spaces stand around its column names"]))
    rows = [
        {name: cell for name, cell in zip(header, cells, strict=True) if name}
        for cells in read.rows
    ]
    kept = [row for row in rows if any(cell.strip() for cell in row.values())]
    if len(kept) < len(rows):
        reason = "some of its rows are blank but for their commas"
        unclean = " and ".join(filter(None, [unclean, reason]))
    return RawTable(str(path), list(filter(None, header)), kept, path, unclean)


def _other(path: Path, format_: str, reader: Any) -> RawTable:
    left_out: list[str] = []
    if format_ == "jsonl":
        columns, left_out = _jsonl_columns(path)
    elif format_ == "parquet":
        columns = _parquet_columns(path)
    else:
        columns = reader.columns(path)
    _check_header(columns, str(path))
    columns = list(filter(None, columns))
    rows, _ = reader.table(path, columns)
    return RawTable(str(path), columns, rows, path, left_out=left_out)


def _check_header(columns: Sequence[str], place: str) -> None:
    for name in filter(None, columns):
        if columns.count(name) > 1:
            raise DataError(
                "two columns have the same name",
                where=place,
                found=name,
                expected="a name of its own for each column, in the first row",
            )


def _jsonl_columns(path: Path) -> tuple[list[str], list[str]]:
    """Returns the keys that all objects of a file have, and those that only some have."""
    seen: dict[str, int] = {}
    count = 0
    # What is wrong with a line is said by the reader, which reads it again.
    for line in path.read_text("utf-8-sig", errors="replace").split("\n"):
        record = read_json(line)
        if isinstance(record, dict):
            count += 1
            for key in record:
                seen[key] = seen.get(key, 0) + 1
    always = [key for key, times in seen.items() if times == count]
    return always, [key for key in seen if key not in always]


def _parquet_columns(path: Path) -> list[str]:
    import pyarrow
    from pyarrow import parquet

    try:
        return list(parquet.read_schema(path).names)
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"not a readable Parquet file: {error}", where=str(path)) from None


def read_hub(name: str, config: str | None) -> dict[str, RawTable]:
    """Returns all columns of each split of a data set of the hub, by the hub's name of the split.

    Raises:
        DataError: It cannot be reached, or there is none of that name.
    """
    reader = SOURCES.get("hub").load()()
    try:
        columns = reader.columns(name, config)
        tables = {}
        for split, names in columns.items():
            source = Source(
                hub=name,
                config=config,
                splits={"all": split},
                fields={f"c{number}": column for number, column in enumerate(names)},
            )
            nowhere = Located(Path(name), {}, {}, frozenset())
            read = reader.read(source, (), nowhere, ("data", 0))["all"]
            tables[split] = RawTable(read.place, names, read.rows)
    except NotHereError as error:
        raise DataError(
            "this data set cannot be reached",
            where=name,
            found=error.tried[0],
            hint="a file on this machine is named by its path; a data set of the hub is org/name",
        ) from None
    return tables

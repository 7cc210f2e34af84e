"""The contract of a data source: rows of text columns, each with its place."""

from __future__ import annotations

import abc
import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.core.errors import DataError, nearest, shorten
from harness.core.files import decode_utf8, inside, sha256_file
from harness.core.schema import Located
from harness.tasks.source_schema import Source


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """The rows of one split, in the order of their source.

    Attributes:
        place: The file, or the hub's data set and split.
        rows: The columns that were asked for, as text; a missing value is "".
        lines: The line each row begins in (from 1); None where there are no lines.
        origin: What was read, for provenance: place and sha256 or commit, no absolute path.
    """

    place: str
    rows: Sequence[Mapping[str, str]]
    lines: Sequence[int] | None
    origin: str

    def where(self, row: int, column: str | None = None) -> str:
        """Returns the place of a row (from 0), for messages."""
        place = f"{self.place}:{self.lines[row]}" if self.lines else f"{self.place}, row {row}"
        return f"{place}, column {column!r}" if column else place


class NotHereError(Exception):
    """The data are not here: not a mistake yet, another source may have them.

    Args:
        tried: A line for each place that was tried, with what happened there.
    """

    def __init__(self, tried: list[str]) -> None:
        super().__init__("; ".join(tried))
        self.tried = tried


class SourceReader(abc.ABC):
    """Reads one source of a task."""

    @abc.abstractmethod
    def read(
        self, source: Source, roots: Sequence[Path], yaml: Located, field: tuple[str | int, ...]
    ) -> dict[str, Table]:
        """Returns the table of each split of a source.

        Args:
            source: What the task YAML says.
            roots: The folders in which relative paths are looked up, the first one first.
            yaml: The task YAML, for messages.
            field: The source's place in it.

        Raises:
            NotHereError: The data are not here.
            DataError: The data are here, but not what the task YAML says they are.
        """


class FileReader(SourceReader):
    """Reads a source that is files."""

    @abc.abstractmethod
    def table(self, path: Path, columns: Sequence[str]) -> tuple[list[dict[str, str]], list[int]]:
        """Returns these columns of every row, and the line of each (no lines: an empty list).

        Raises:
            DataError: The file is damaged, or lacks a column.
        """

    def read(
        self, source: Source, roots: Sequence[Path], yaml: Located, field: tuple[str | int, ...]
    ) -> dict[str, Table]:
        """Returns the table of each split, from the first folder that has all the files."""
        files = source.files or {}
        tried: list[str] = []
        for root in roots:
            paths = {
                split: inside(root, name, where=yaml.where((*field, "files", split)))
                for split, name in files.items()
            }
            missing = [path for path in paths.values() if not path.is_file()]
            if not missing:
                return {split: self._split(source, split, path) for split, path in paths.items()}
            tried += [f"{path}: no such file" for path in missing]
        raise NotHereError(tried)

    def _split(self, source: Source, split: Any, path: Path) -> Table:
        found, expected = sha256_file(path), source.sha256.get(split)
        if expected and found != expected:
            raise DataError(
                "this file is not the one the task means: its sha256 differs",
                where=str(path),
                found=found,
                expected=expected,
                hint="fetch the file again; data of your own: take the line under `sha256` away, "
                "and raise the `version`",
            )
        rows, lines = self.table(path, source.columns(split))
        name = (source.files or {})[split]
        return Table(str(path), rows, lines or None, f"{name} sha256:{found}")


def check_columns(found: Iterable[str], wanted: Iterable[str], where: str) -> None:
    """Makes sure that the columns wanted are there.

    Raises:
        DataError: One is missing; the message names what exists and the nearest spelling.
    """
    names = list(found)
    for column in wanted:
        if column not in names:
            close = nearest(column, names)
            raise DataError(
                f"there is no column {column!r}",
                where=where,
                expected=f"one of {shorten(', '.join(map(repr, names)), 400)}",
                hint=f"did you mean {close!r}?" if close else None,
            )


def read_text(path: Path) -> str:
    """Returns a file's text, without a byte order mark.

    Raises:
        DataError: It is not UTF-8; the message names the line.
    """
    return decode_utf8(path.read_bytes(), path, DataError)


def as_text(value: Any) -> str:
    """Returns a value as text: text itself, nothing as "", everything else as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)

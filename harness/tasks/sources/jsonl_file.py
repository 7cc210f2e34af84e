"""JSON Lines: one object a line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.core.errors import DataError
from harness.tasks.sources.base import FileReader, as_text, check_columns, read_text


class JsonlFile(FileReader):
    """A file of JSON objects, one a line; blank lines are skipped.

    A value that is not text becomes the JSON that stands for it; null becomes an empty text.
    """

    def table(self, path: Path, columns: Sequence[str]) -> tuple[list[dict[str, str]], list[int]]:
        """Returns these columns of every row, and its line."""
        rows: list[dict[str, str]] = []
        lines: list[int] = []
        for number, line in enumerate(read_text(path).split("\n"), start=1):
            if line.strip():
                where = f"{path}:{number}"
                record = _object(line, where)
                check_columns(record, columns, where)
                row = {column: as_text(record[column]) for column in columns}
                _check_text(row, where)
                rows.append(row)
                lines.append(number)
        return rows, lines


def _object(line: str, where: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"not valid JSON: {error}", where=where, found=line) from None
    if not isinstance(value, dict):
        raise DataError("not a JSON object", where=where, found=value, expected="{...}")
    return value


def _check_text(row: dict[str, str], where: str) -> None:
    text = "".join(row.values())
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = text[error.start]
        raise DataError("half of a surrogate pair is not text", where=where, found=half) from None

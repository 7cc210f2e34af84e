"""Rows of delimited text, each with the line it begins in."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Iterator
from pathlib import Path

from harness.core.errors import DataError

MAX_CELL = 10_000_000  # characters; Python's own limit is less than a long e-mail thread


def delimited_rows(text: str, path: Path, delimiter: str = ",") -> Iterator[tuple[int, list[str]]]:
    """Yields every row, blank ones too: the line it begins in, from 1, and its cells.

    Raises:
        DataError: It is not valid CSV; the message names the line.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for cells in reader:
            yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"not valid CSV: {error}", where=f"{path}:{begins}") from None


@contextlib.contextmanager
def cells_up_to(limit: int) -> Iterator[None]:
    """Lets cells have so many characters, and puts the process-wide limit back."""
    before = csv.field_size_limit(limit)
    try:
        yield
    finally:
        csv.field_size_limit(before)

"""CSV files as they come: with semicolons or tabs, in UTF-8 or what Windows writes."""

from __future__ import annotations

import codecs
import csv
import dataclasses
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from harness.core.errors import DataError
from harness.tasks.sources.delimited import MAX_CELL, cells_up_to, delimited_rows

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
LOOKED_AT = 100_000
"""Characters from which the delimiter is told."""


@dataclasses.dataclass(frozen=True, slots=True)
class CsvText:
    """What a CSV file says.

    Attributes:
        header: Its first row.
        rows: The others that are not blank.
        unclean: Why our CSV source cannot read the file as it is; "" where it can.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    unclean: str


def read_csv(path: Path) -> CsvText:
    """Returns what a CSV file says, whatever its delimiter and encoding.

    Raises:
        DataError: It is empty, no CSV, or a row has another number of cells than the header.
    """
    text, encoding = _decoded(path)
    lines = text
    if text[:4].casefold() == "sep=":  # a line that tells Excel the delimiter
        lines = "\n" + text.partition("\n")[2]
    delimiter = _delimiter(lines)
    reasons = [f"it is {encoding}, not UTF-8"] if encoding else []
    reasons += [f"{DELIMITERS[delimiter]} stand between its cells"] if delimiter != "," else []
    reasons += ["its first line is for Excel"] if lines is not text else []
    with cells_up_to(MAX_CELL):
        header, rows = _parsed(lines, delimiter, path)
    return CsvText(header, rows, " and ".join(reasons))


def write_csv(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> bytes:
    """Returns rows as our CSV source reads them: UTF-8, commas between cells."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)  # ends lines by CR LF, as RFC 4180 says: so it quotes both signs
    writer.writerow(columns)
    writer.writerows([row.get(column, "") for column in columns] for row in rows)
    return out.getvalue().encode()


def _decoded(path: Path) -> tuple[str, str]:
    """Returns a file's text and the name of its encoding, "" for UTF-8."""
    data = path.read_bytes()
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return data.decode("utf-16"), "UTF-16"
        except UnicodeDecodeError:
            pass
    try:
        return data.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        pass
    if b"\0" in data:
        raise DataError(
            "this is no text file", where=str(path), hint="save it as CSV in the encoding UTF-8"
        )
    try:
        return data.decode("cp1252"), "Windows-1252"
    except UnicodeDecodeError:
        return data.decode("latin-1"), "Latin-1"


def _delimiter(text: str) -> str:
    """Returns what divides most rows into as many cells as the header has; a comma if nothing."""
    part = text[:LOOKED_AT]
    if len(part) < len(text):
        part = part[: part.rfind("\n") + 1] or part

    def fits(delimiter: str) -> tuple[float, bool, int]:
        """Returns how many rows are as wide as the first, whether it is a comma, and how wide."""
        try:
            rows = csv.reader(io.StringIO(part, newline=""), delimiter=delimiter)
            widths = [len(row) for row in rows if row]
        except csv.Error:
            return (0, False, 0)
        width = widths[0] if widths else 0
        if width < 2:  # nothing is divided
            return (0, False, 0)
        alike = round(widths.count(width) / len(widths), 1)
        return (alike, delimiter == ",", width)

    return max(DELIMITERS, key=fits)


def _parsed(text: str, delimiter: str, path: Path) -> tuple[list[str], list[list[str]]]:
    header: list[str] = []
    rows: list[list[str]] = []
    for line, cells in delimited_rows(text, path, delimiter):
        if not header:
            header = cells
        elif cells:
            _check_width(cells, header, delimiter, f"{path}:{line}")
            rows.append(cells)
    if not header:
        raise DataError("this file is empty", where=str(path), expected="a row of column names")
    return header, rows


def _check_width(cells: list[str], header: list[str], delimiter: str, where: str) -> None:
    if len(cells) != len(header):
        sign = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}[delimiter]
        raise DataError(
            "this row has another number of cells than the header",
            where=where,
            found=f"{len(cells)} cells",
            expected=f"{len(header)} cells",
            hint=f"a text that holds a {sign} or a line break needs quotes around it",
        )

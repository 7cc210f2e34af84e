"""Comma-separated values (RFC 4180, but lines end in a line feed), safe to open in a spreadsheet.

A spreadsheet takes a text that begins like a formula for one, and runs it (OWASP, "CSV
Injection"). Such a text gets a single quote in front. It gets one too where quotes stand there
already, so taking one away from what would be a formula without it gives every text back.
"""

from __future__ import annotations

import numbers
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from harness.reports.formats.base import written

if TYPE_CHECKING:
    import pandas as pd

# What a spreadsheet may skip before a formula: white space, control and invisible characters.
_SKIPPED = r"\s\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff"
_FORMULA = re.compile(rf"[{_SKIPPED}']*[=+\-@＝＋－＠\t\r\n\x00]")  # noqa: RUF001
_NEEDS_QUOTES = re.compile(r'[",\r\n]')


def render(frame: pd.DataFrame) -> bytes:
    """Returns the frame as UTF-8; equal numbers give equal bytes."""
    rows = frame.itertuples(index=False, name=None)
    lines = [_line(frame.columns), *map(_line, rows)]
    return "".join(lines).encode("utf-8")


def _line(values: Iterable[Any]) -> str:
    cells = [_cell(value) for value in values]
    # A line with nothing on it would be no row.
    return (",".join(cells) or '""') + "\n"


def _cell(value: Any) -> str:
    text = written(value)
    if not isinstance(value, numbers.Real) and _FORMULA.match(text):
        text = f"'{text}"
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text

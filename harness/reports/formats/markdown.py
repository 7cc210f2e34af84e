"""A GitHub-flavoured Markdown table; whatever the data holds is shown as it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from harness.reports.formats.base import for_reading

if TYPE_CHECKING:
    import pandas as pd

_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_MARKUP = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])")
_LINE_END = re.compile(r"\r\n|[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x1f\x7f-\x9f]")


def render(frame: pd.DataFrame) -> bytes:
    """Returns the frame as a table in UTF-8, intervals folded into their values."""
    columns = for_reading(frame)
    rows = zip(*(column.cells for column in columns), strict=True)
    lines = [
        _line(_escape(column.name) for column in columns),
        _line("---:" if column.numeric else "---" for column in columns),
        *(
            _line(
                cell if column.numeric else _escape(cell)
                for column, cell in zip(columns, row, strict=True)
            )
            for row in rows
        ),
    ]
    return "".join(lines).encode("utf-8")


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _escape(text: str) -> str:
    marked = _MARKUP.sub(r"\\\g<0>", text.translate(_HTML))
    return _CONTROL.sub("", _LINE_END.sub("<br>", marked))

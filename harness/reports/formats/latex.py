r"""A LaTeX tabular, to be pasted into a document with ``\usepackage{booktabs}``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from harness.reports.formats.base import Column, for_reading

if TYPE_CHECKING:
    import pandas as pd

_SPECIAL = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        **{character: f"\\{character}" for character in "{}$&#%_"},
        # After the end of a line these two would be read as its options.
        **{character: f"{{{character}}}" for character in "[]*"},
        # Some languages give it a meaning.
        '"': r"\symbol{34}",
    }
)
_LIGATURE = re.compile(r"([-`',])(?=\1)|[?!](?=`)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def render(frame: pd.DataFrame) -> bytes:
    """Returns the frame as a ``tabular`` in UTF-8, intervals folded into their values."""
    columns = for_reading(frame)
    rows = zip(*(map(_numbers if c.numeric else _escape, c.cells) for c in columns), strict=True)
    lines = [
        rf"\begin{{tabular}}{{{''.join(_alignment(column) for column in columns)}}}",
        r"\toprule",
        _line(_escape(column.name) for column in columns),
        r"\midrule",
        *map(_line, rows),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return ("\n".join(lines) + "\n").encode("utf-8")


def _alignment(column: Column) -> str:
    return "r" if column.numeric else "l"


def _line(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"


def _escape(text: str) -> str:
    plain = _CONTROL.sub(" ", " ".join(text.splitlines()))
    return _LIGATURE.sub(r"\g<0>{}", plain.translate(_SPECIAL))


def _numbers(text: str) -> str:
    return text.replace("-", "$-$")

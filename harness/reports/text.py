"""A run's table as plain text for a terminal."""

from __future__ import annotations

import dataclasses
import re
import shutil
import textwrap
import unicodedata
from collections.abc import Sequence
from itertools import groupby, zip_longest
from typing import TYPE_CHECKING, Any, Literal

from harness.reports.formats.base import interval_columns, with_interval, written

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]

DEFAULT_WIDTH = 100
MARK = "! "
GAP = "  "
NARROWEST = 12
WIDEST_MODEL = 24
INDENT = "  "
BESIDE = ("mean_absolute_error", "macro_f1")
"""The metrics that are shown beside the first, of those a task has; else its second one."""
SPREAD_HEADERS = {"sd_over_draws": "sd draws", "sd_over_prompts": "sd prompts"}
_UNSEEN = ("Cc", "Cf", "Cs")  # control, format and surrogate characters


@dataclasses.dataclass(slots=True)
class _Column:
    """One column.

    Attributes:
        header: Its header.
        cells: The text of each row; one that is wrapped has several lines.
        align: Where the text stands.
        yields: Columns with a greater number are left out first where there is little room;
            those with 0 stay.
    """

    header: str
    cells: list[str]
    align: Literal["left", "right"] = "left"
    yields: int = 0

    @property
    def width(self) -> int:
        lines = [line for cell in self.cells for line in cell.split("\n")]
        return max(map(_columns_of, [self.header, *lines]))


def terminal_table(frame: pd.DataFrame, width: int | None = None) -> str:
    """Returns a run's table as aligned text, in its order, one block a task.

    Rows with warnings are marked with ``!``, and the warnings listed below the table.

    Args:
        frame: What :func:`harness.reports.table.run_table` gives.
        width: How many characters a line has; by default as many as the terminal.
    """
    width = width or shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns
    rows: list[Row] = frame.to_dict("records")  # type: ignore[assignment]
    metrics = list(interval_columns([str(name) for name in frame]))
    blocks = [
        "\n".join(_block(plain(task), list(members), metrics, width))
        for task, members in groupby(rows, key=lambda row: str(row["task"]))
    ]
    return "\n\n".join(blocks) or "no rows"


def plain(text: str) -> str:
    """Returns text without anything a terminal could act on, on one line.

    Control characters go, and so do the invisible ones that turn the direction of the text.
    """
    return " ".join(harmless(text).split())


def harmless(text: str) -> str:
    """Returns text without anything a terminal could act on, its lines and spaces as they are."""
    return "".join(
        " " if sign not in "\n\t" and unicodedata.category(sign) in _UNSEEN else sign
        for sign in text
    )


def _block(task: str, rows: Sequence[Row], metrics: Sequence[str], width: int) -> list[str]:
    several_prompts = len({written(row["prompt"]) for row in rows} - {""}) > 1
    methods = [_method(row, with_prompt=several_prompts) for row in rows]
    warnings = [plain(written(row["warnings"])) for row in rows]
    known = [name for name in metrics if any(written(row[name]) for row in rows)] or metrics
    columns = _fitting(_columns(rows, methods, known), width - len(MARK))
    return [
        f"{task}, {written(rows[0]['test_rows'])} test rows",
        *_laid_out(columns, [bool(warning) for warning in warnings]),
        *_listed(rows, methods, warnings, width),
    ]


def _two_of(metrics: Sequence[str]) -> list[str]:
    """Returns the metrics of a task that are shown: its accuracy or first, and one beside it."""
    first = [name for name in ("accuracy", *metrics) if name in metrics][:1]
    others = [name for name in metrics if name not in first]
    return first + [name for name in (*BESIDE, *others) if name in others][:1]


def _columns(rows: Sequence[Row], methods: Sequence[str], metrics: Sequence[str]) -> list[_Column]:
    """Returns the columns, with two of the metrics that the task has, of which the first leads."""
    columns = [
        _Column("method", list(methods)),
        _Column("model", [_model(row) for row in rows]),
        _Column("labels", [_labels(row) for row in rows], align="right"),
        _Column("draws", [written(row["draws"]) for row in rows], align="right", yields=1),
    ]
    for place, name in enumerate(_two_of(metrics)):
        ends = [(row[f"{name}_low"], row[f"{name}_high"]) for row in rows]
        texts = [
            with_interval(row[name], *(pair if place == 0 else (None, None)))
            for row, pair in zip(rows, ends, strict=True)
        ]
        columns.append(_Column(name, texts, yields=0 if place == 0 else 3))
        if name == metrics[0]:  # whose spread it is
            columns += _spread(rows)
    seconds = [_seconds(row["seconds_per_example"]) for row in rows]
    columns.append(_Column("s/row", seconds, align="right", yields=2))
    return columns


def _spread(rows: Sequence[Row]) -> list[_Column]:
    """Returns how far the first metric moves with draw and prompt, where there are several."""
    columns = [
        _Column(header, [with_interval(row[name], None, None) for row in rows], yields=4)
        for name, header in SPREAD_HEADERS.items()
    ]
    return [column for column in columns if any(column.cells)]


def _method(row: Row, *, with_prompt: bool) -> str:
    settings, prompt = written(row["settings"]), written(row["prompt"])
    text = f"{row['method']}:{settings}" if settings else str(row["method"])
    return plain(f"{text} ({prompt})" if prompt and with_prompt else text)


def _model(row: Row) -> str:
    return _cut(plain(written(row["model"])).rstrip("/").rpartition("/")[2], WIDEST_MODEL)


def _labels(row: Row) -> str:
    return plain(written(row["labels"]))


def _seconds(value: Any) -> str:
    if not written(value):
        return ""
    return f"{value:.2g}" if value < 10 else f"{value:.0f}"


def _fitting(columns: list[_Column], width: int) -> list[_Column]:
    """Leaves out columns until the rest fits, with the method wrapped where it must be."""
    method, *others = columns
    while True:
        room = width - sum(len(GAP) + column.width for column in others)
        spare = max(others, key=lambda column: column.yields)
        if room >= min(method.width, NARROWEST) or not spare.yields:
            break
        others.remove(spare)
    method.cells = ["\n".join(_wrapped(cell, max(room, NARROWEST))) for cell in method.cells]
    return [method, *others]


def _wrapped(method: str, width: int) -> list[str]:
    """Returns a method's name in lines, broken behind a colon, comma or space where possible."""
    lines = [""]
    for part in _parts(method, width - len(INDENT)):
        if lines[-1].strip() and _columns_of(lines[-1] + part) > width:
            lines.append(INDENT)
        lines[-1] += part
    return [piece for line in lines for piece in _pieces(line, width)]


def _parts(method: str, width: int) -> list[str]:
    """Returns what may stand on lines of its own; what is too long is broken behind each ``_``."""
    parts = re.findall(r"[^:, ]+[:, ]*|[:, ]+", method)
    return [
        piece
        for part in parts
        for piece in ([part] if _columns_of(part) <= width else re.findall(r"[^_]+_*|_+", part))
    ]


def _pieces(line: str, width: int) -> list[str]:
    return [line[start : start + width] for start in range(0, len(line), width)] or [""]


def _laid_out(columns: Sequence[_Column], marked: Sequence[bool]) -> list[str]:
    widths = [column.width for column in columns]

    def line(cells: Sequence[str], mark: str = "") -> str:
        padded = [
            _padded(cell, size, column.align)
            for cell, size, column in zip(cells, widths, columns, strict=True)
        ]
        return f"{mark:{len(MARK)}}{GAP.join(padded)}".rstrip()

    lines = [line([column.header for column in columns]), line(["-" * size for size in widths])]
    for number, mark in enumerate(marked):
        split = [column.cells[number].split("\n") for column in columns]
        first, *more = zip_longest(*split, fillvalue="")
        lines += [line(first, MARK if mark else ""), *map(line, more)]
    return lines


def _listed(
    rows: Sequence[Row], methods: Sequence[str], warnings: Sequence[str], width: int
) -> list[str]:
    lines: list[str] = []
    for row, method, warning in zip(rows, methods, warnings, strict=True):
        if warning:
            where = ", ".join(filter(None, [method, _model(row), _labels(row)]))
            text = f"{MARK}{where}: {warning}"
            lines += textwrap.wrap(text, max(width, NARROWEST), subsequent_indent=INDENT)
    return ["", *lines] if lines else []


def _columns_of(text: str) -> int:
    """Returns how many columns of a terminal a text takes."""
    return sum(
        0
        if unicodedata.combining(character)
        else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )


def _padded(text: str, width: int, align: str) -> str:
    space = " " * (width - _columns_of(text))
    return space + text if align == "right" else text + space


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"

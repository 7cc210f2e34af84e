"""How values are written, and how a table is laid out for people."""

from __future__ import annotations

import dataclasses
import numbers
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness.metrics import METRICS

if TYPE_CHECKING:
    import pandas as pd


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """One column as people read it, nothing escaped yet.

    Attributes:
        name: Its header.
        numeric: Whether it holds numbers, which are aligned right.
        cells: The text of each cell, empty where it is undefined.
    """

    name: str
    numeric: bool
    cells: tuple[str, ...]


def written(value: Any) -> str:
    """Returns a value as text: empty where undefined, a float with six significant digits."""
    import pandas as pd

    if pd.isna(value):
        return ""
    if isinstance(value, numbers.Real) and not isinstance(value, numbers.Integral):
        return f"{float(value):z.6g}"
    return str(value)


def with_interval(value: Any, low: Any, high: Any) -> str:
    """Returns ``0.812 [0.760, 0.861]``; without the interval, or empty, where undefined."""
    import pandas as pd

    if pd.isna(value):
        return ""
    if pd.isna(low) or pd.isna(high):
        return f"{value:z.3f}"
    return f"{value:z.3f} [{low:z.3f}, {high:z.3f}]"


def interval_columns(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Returns the metrics among some columns that have an interval, and its two ends."""
    ends = {name: (f"{name}_low", f"{name}_high") for name in names if name in METRICS}
    ends["value"] = ("low", "high")
    return {name: pair for name, pair in ends.items() if {name, *pair} <= {*names}}


def for_reading(frame: pd.DataFrame) -> list[Column]:
    """Returns a frame's columns as text, the ends of an interval folded into their value."""
    import pandas as pd

    folded = interval_columns([str(name) for name in frame])
    ends = {end for pair in folded.values() for end in pair}
    columns = []
    for name in frame:
        if name in ends:
            continue
        if name in folded:
            low, high = folded[name]
            cells = map(with_interval, frame[name], frame[low], frame[high])
        else:
            cells = map(written, frame[name])
        numeric = pd.api.types.is_numeric_dtype(frame[name])
        columns.append(Column(str(name), numeric, tuple(cells)))
    return columns

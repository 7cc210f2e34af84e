"""The export formats, one file each, and their name table."""

from __future__ import annotations

import dataclasses

from harness.core.registry import Entry, Registry


@dataclasses.dataclass(frozen=True, slots=True)
class FormatEntry(Entry):
    """One line of the table of formats; its path leads to a function ``render(frame) -> bytes``.

    Attributes:
        suffix: How a file of this format usually ends.
        binary: Whether it cannot be shown in a terminal.
    """

    suffix: str = ""
    binary: bool = False


FORMATS: Registry[FormatEntry] = Registry(
    "format",
    [
        FormatEntry(
            "csv",
            "harness.reports.formats.csv:render",
            "comma-separated values, safe to open in a spreadsheet",
            suffix=".csv",
        ),
        FormatEntry(
            "markdown",
            "harness.reports.formats.markdown:render",
            "a GitHub-flavoured Markdown table",
            suffix=".md",
        ),
        FormatEntry(
            "latex",
            "harness.reports.formats.latex:render",
            "a LaTeX tabular for the package booktabs",
            suffix=".tex",
        ),
        FormatEntry(
            "parquet",
            "harness.reports.formats.parquet:render",
            "Apache Parquet, types kept",
            suffix=".parquet",
            binary=True,
        ),
    ],
    group="harness.formats",
)

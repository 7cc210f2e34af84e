"""Data sources: one file each; this is their name table."""

from __future__ import annotations

import dataclasses

from harness.core.registry import Entry, Registry


@dataclasses.dataclass(frozen=True, slots=True)
class SourceEntry(Entry):
    """A data source.

    Attributes:
        endings: The file endings it is the default for.
    """

    endings: tuple[str, ...] = ()


SOURCES: Registry[SourceEntry] = Registry(
    "data format",
    [
        SourceEntry(
            "csv",
            "harness.tasks.sources.csv_file:CsvFile",
            "comma-separated values, first row the column names",
            (".csv",),
        ),
        SourceEntry(
            "jsonl",
            "harness.tasks.sources.jsonl_file:JsonlFile",
            "one JSON object a line",
            (".jsonl", ".ndjson"),
        ),
        SourceEntry(
            "parquet",
            "harness.tasks.sources.parquet_file:ParquetFile",
            "Apache Parquet",
            (".parquet",),
        ),
        SourceEntry(
            "xlsx",
            "harness.tasks.sources.xlsx_file:XlsxFile",
            "a spreadsheet: its first sheet that holds anything, first row the column names",
            (".xlsx",),
        ),
        SourceEntry(
            "hub",
            "harness.tasks.sources.hub:Hub",
            "a data set of the Hugging Face hub",
        ),
    ],
    group="harness.sources",
)

"""Apache Parquet, read by pyarrow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.core.errors import DataError
from harness.tasks.sources.base import FileReader, as_text, check_columns


class ParquetFile(FileReader):
    """A Parquet file.

    A value that is not text becomes the JSON that stands for it; a missing one an empty text.
    """

    def table(self, path: Path, columns: Sequence[str]) -> tuple[list[dict[str, str]], list[int]]:
        """Returns these columns of every row; a Parquet file has no lines."""
        import pyarrow
        from pyarrow import parquet

        try:
            with parquet.ParquetFile(path) as file:
                check_columns(file.schema_arrow.names, columns, str(path))
                content = file.read(columns=list(columns)).to_pylist()
        except (pyarrow.ArrowException, OSError) as error:
            raise DataError(f"not a readable Parquet file: {error}", where=str(path)) from None
        return [{name: as_text(row[name]) for name in columns} for row in content], []

"""Apache Parquet: every column keeps its type, undefined values are nulls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.reports.formats.base import written

if TYPE_CHECKING:
    import pandas as pd


def render(frame: pd.DataFrame) -> bytes:
    """Returns the frame as the bytes of a Parquet file.

    A column that mixes types (a field that is a number in one task and text in another) is
    written as text.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    mixed = {str(name): _texts(frame[name]) for name in frame if _is_mixed(frame[name])}
    table = pa.Table.from_pandas(frame.assign(**mixed), preserve_index=False)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _is_mixed(column: pd.Series[Any]) -> bool:
    return column.dtype == object and len({type(value) for value in column.dropna()}) > 1


def _texts(column: pd.Series[Any]) -> pd.Series[Any]:
    return column.map(written, na_action="ignore").astype("string")

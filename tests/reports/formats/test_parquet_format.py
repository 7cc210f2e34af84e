"""Parquet: every type comes back."""

import io

import pandas as pd
import pyarrow.parquet as pq
import pytest

from harness.reports.formats.parquet import render
from harness.reports.table import cells_table, predictions_table, run_table


def back(frame):
    return pd.read_parquet(io.BytesIO(render(frame)))


def arrow_types(frame):
    schema = pq.read_schema(io.BytesIO(render(frame)))
    return {name: str(schema.field(name).type).removeprefix("large_") for name in schema.names}


@pytest.mark.parametrize("table", [run_table, cells_table, predictions_table])
def test_the_tables_of_a_run_come_back(run_dir, table):
    frame = table(run_dir)
    pd.testing.assert_frame_equal(back(frame), frame)


def test_types_are_kept():
    frame = pd.DataFrame(
        {
            "text": pd.Series(["007", None], dtype="string"),
            "count": pd.Series([1, None], dtype="Int64"),
            "number": [0.1 + 0.2, float("nan")],
            "flag": pd.Series([True, None], dtype="boolean"),
        }
    )
    assert arrow_types(frame) == {
        "text": "string",
        "count": "int64",
        "number": "double",
        "flag": "bool",
    }
    found = pq.read_table(io.BytesIO(render(frame))).to_pydict()
    assert found == {
        "text": ["007", None],
        "count": [1, None],
        "number": [0.1 + 0.2, None],
        "flag": [True, None],
    }


def test_a_column_of_several_types_becomes_text():
    frame = pd.DataFrame({"field_x": pd.Series([1, "two", 0.5, True, None], dtype="object")})
    assert arrow_types(frame) == {"field_x": "string"}
    assert back(frame)["field_x"].fillna("-").tolist() == ["1", "two", "0.5", "True", "-"]

import csv
import json

import pytest

from harness.core.errors import DataError
from harness.tasks.sources.csv_file import CsvFile
from harness.tasks.sources.jsonl_file import JsonlFile
from harness.tasks.sources.parquet_file import ParquetFile

COLUMNS = ("text", "label")


@pytest.fixture
def read(tmp_path):
    def write_and_read(reader, content):
        path = tmp_path / "data"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return reader().table(path, COLUMNS)

    return write_and_read


def error_of(read, reader, content):
    with pytest.raises(DataError) as caught:
        read(reader, content)
    return str(caught.value)


def test_csv_cells_are_text(read):
    rows, lines = read(
        CsvFile, b'\xef\xbb\xbfid,text,label\n1,"a, ""b""\nc",NA\r\n\n2,,007\n3,null,1.0\n'
    )
    assert rows == [
        {"text": 'a, "b"\nc', "label": "NA"},
        {"text": "", "label": "007"},
        {"text": "null", "label": "1.0"},
    ]
    assert lines == [2, 5, 6]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "this file is empty"),
        ("txt,label\na,b\n", "data:1: there is no column 'text'"),
        ("txt,label\na,b\n", "did you mean 'txt'?"),
        ("text,label,text\na,b,c\n", "data:1: two columns have the same name"),
        ('text,label\n"a\nb",x\nc\n', "data:4: this row has another number of cells"),
        ("text,label\na,b,c\n", "data:2: this row has another number of cells"),
        ('text,label\na,b\n"c,d\n', "data:3: not valid CSV"),
        ('text,label\n"a"b,c\n', "data:2: not valid CSV"),
        (b"text,label\na,b\n\xff,c\n", "data:3: not UTF-8"),
    ],
)
def test_csv_mistakes(read, content, expected):
    assert expected in error_of(read, CsvFile, content)


def test_csv_long_cells(read, monkeypatch):
    before = csv.field_size_limit()
    rows, _ = read(CsvFile, f"text,label\n{'x' * 200_000},b\n")
    assert len(rows[0]["text"]) == 200_000
    monkeypatch.setattr("harness.tasks.sources.csv_file.MAX_CELL", 1000)
    message = error_of(read, CsvFile, f"text,label\na,b\n{'x' * 1001},b\n")
    assert "data:3: not valid CSV" in message
    assert "(1000)" in message
    assert csv.field_size_limit() == before


def test_jsonl_values_become_text(read):
    records = [
        {"text": "a\u2028b", "label": 7},
        {"text": None, "label": True, "more": 1},
        {"text": ["é", 1], "label": 0.5},
    ]
    content = "\n\n".join(json.dumps(record, ensure_ascii=False) for record in records) + "\n"
    rows, lines = read(JsonlFile, content)
    assert rows == [
        {"text": "a\u2028b", "label": "7"},
        {"text": "", "label": "true"},
        {"text": '["é", 1]', "label": "0.5"},
    ]
    assert lines == [1, 3, 5]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"text": "a", "label": "b"}\n{"text": "a"\n', "data:2: not valid JSON"),
        ('{"text": "a", "lable": "b"}\n', "did you mean 'lable'?"),
        ("[1]\n", "data:1: not a JSON object"),
        ("[" * 100_000, "data:1: not valid JSON"),
        ('{"text": "\\ud800", "label": "b"}\n', "data:1: half of a surrogate pair"),
    ],
)
def test_jsonl_mistakes(read, content, expected):
    assert expected in error_of(read, JsonlFile, content)


def test_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = tmp_path / "data.parquet"
    table = pyarrow.table({"text": ["a", None], "label": [1, 2], "id": [b"x", b"y"]})
    parquet.write_table(table, path)
    rows, lines = ParquetFile().table(path, COLUMNS)
    assert rows == [{"text": "a", "label": "1"}, {"text": "", "label": "2"}]
    assert lines == []
    with pytest.raises(DataError, match="did you mean 'label'"):
        ParquetFile().table(path, ("text", "lable"))


def test_parquet_mistakes(read):
    assert "not a readable Parquet file" in error_of(read, ParquetFile, "text,label\n")

"""Spreadsheets as people make them, written by openpyxl and read by ours."""

import datetime
import zipfile

import openpyxl
import pytest

from harness.core.errors import DataError
from harness.tasks.sources.xlsx_file import XlsxFile
from harness.tasks.task import load_task


@pytest.fixture
def write(tmp_path):
    """Writes sheets (name and rows) into a spreadsheet; gives its path."""

    def write(*rows, **sheets):
        book = openpyxl.Workbook()
        book.remove(book.active)
        for name, content in (sheets or {"Data": rows}).items():
            sheet = book.create_sheet(name)
            for row in content:
                sheet.append(row)
        path = tmp_path / "data.xlsx"
        book.save(path)
        return path

    return write


def error_of(path, *columns):
    with pytest.raises(DataError) as caught:
        XlsxFile().table(path, columns or ("text", "label"))
    return str(caught.value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.0, "3"),
        (3, "3"),
        (-0.5, "-0.5"),
        (1e300, "1e+300"),
        (True, "true"),
        (False, "false"),
        (None, ""),
        (datetime.date(2026, 3, 4), "2026-03-04"),
        (datetime.datetime(2026, 3, 4, 17, 30), "2026-03-04T17:30:00"),
        (datetime.time(17, 30), "17:30:00"),
        ("007", "007"),
        ("NA", "NA"),
        (" a ", " a "),
        ("a\nb", "a\nb"),
        ("a_x000D_\nb", "a\nb"),
        ("👍 ; ,", "👍 ; ,"),
    ],
)
def test_values_are_text(write, value, text):
    path = write(["id", "label"], ["x", value])
    assert XlsxFile().table(path, ["label"]) == ([{"label": text}], [2])


def test_the_first_sheet_that_holds_anything_and_blank_rows(write):
    path = write(
        Empty=[],
        Mails=[[None, None], ["text", None, "label"], ["a", None, 1], [None, " "], ["b"]],
        More=[["text", "label"], ["c", "2"]],
    )
    assert XlsxFile().columns(path) == ["text", "", "label"]
    rows, numbers = XlsxFile().table(path, ["label", "text"])
    assert rows == [{"label": "1", "text": "a"}, {"label": "", "text": "b"}]
    assert numbers == [3, 5]


def test_the_size_that_a_file_claims_is_not_believed(write):
    path = write(["text", "label"], ["a", "x"], ["b", "y"])
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    assert b'<dimension ref="A1:B3"' in sheet
    parts["xl/worksheets/sheet1.xml"] = sheet.replace(b'ref="A1:B3"', b'ref="A1"')
    with zipfile.ZipFile(path, "w") as new:
        for name, content in parts.items():
            new.writestr(name, content)
    assert len(XlsxFile().table(path, ["text", "label"])[0]) == 2


def test_mistakes(write, tmp_path):
    assert "there is no column 'text'" in error_of(write(["txt", "label"], ["a", "x"]))
    assert "data.xlsx, sheet 'Data': two columns have the same name" in error_of(
        write(["text", "label", "text"], ["a", "x", "b"])
    )
    message = error_of(write(["text", "label"], ["a", "x"], ["b", "y", "z"]))
    assert "data.xlsx, sheet 'Data', row 3: this row has more cells than the header" in message
    message = error_of(write(["text", "label"], ["a", "#DIV/0!"]))
    assert "data.xlsx, sheet 'Data', row 2, column 'label': the formula" in message
    assert "this file is empty" in error_of(write(One=[], Two=[[None]]))
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(b"text,label\n")
    assert "broken.xlsx: not a readable .xlsx file" in error_of(broken)
    with zipfile.ZipFile(broken, "w") as other:
        other.writestr("[Content_Types].xml", "<a><b></a>")
    assert "not a readable .xlsx file" in error_of(broken)


def test_a_task_on_a_spreadsheet_names_sheet_and_row(write, tmp_path):
    path = write(["text", "label"], ["a", "x"], ["b", "y"], ["c", None])
    task = tmp_path / "t.yaml"
    task.write_text(
        "version: 1\nkind: single_label\nsplits: {test: 1}\n"
        "data: [{files: {all: data.xlsx}, fields: {text: text}, label: label}]\n"
    )
    with pytest.raises(DataError, match=r"data.xlsx, sheet 'Data':4, column 'label': this row has"):
        load_task(task)
    write(["text", "label"], ["a", "x"], ["b", "y"], ["c", "y"], ["d", "x"])
    assert {row.target for row in load_task(task).train} == {"x", "y"}
    assert path.is_file()

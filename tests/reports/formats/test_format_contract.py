"""What holds for every registered format, those of other packages too."""

import pandas as pd
import pytest

from harness.reports.formats import FORMATS, FormatEntry

HARD = ["plain", "schön 日本語 🎉", '"quoted", and; more', "a|b\\c_d%e&f#g{h}~^<i>", "two\nlines"]


@pytest.fixture(params=FORMATS, ids=lambda entry: entry.name)
def entry(request):
    return request.param


@pytest.fixture
def render(entry):
    return entry.load()


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "method": pd.Series(HARD, dtype="string"),
            "draws": pd.Series([3, None, 0, -1, 10**7], dtype="Int64"),
            "accuracy": [0.8123456789, float("nan"), 0.5, 1.0, 0.0],
            "accuracy_low": [0.76, float("nan"), float("nan"), 1.0, 0.0],
            "accuracy_high": [0.861, float("nan"), float("nan"), 1.0, 0.0],
            "mcc": [-0.25, float("nan"), -0.0, 1.0, 1e-12],
            "urgent": pd.Series([True, False, None, True, True], dtype="boolean"),
            "field_mixed": pd.Series([1, "two", 3.5, None, True], dtype="object"),
        }
    )


def test_the_line_in_the_table_is_whole(entry):
    assert isinstance(entry, FormatEntry)
    assert entry.summary
    assert entry.suffix.startswith(".")


def test_the_same_frame_gives_the_same_bytes(render, frame):
    content = render(frame)
    assert isinstance(content, bytes)
    assert content == render(frame.copy())
    assert content == render(frame.set_index(pd.Index(range(10, 15))))
    assert content != render(frame.iloc[:-1])


def test_the_frame_is_left_as_it_was(render, frame):
    before = frame.copy()
    render(frame)
    pd.testing.assert_frame_equal(frame, before)


def test_without_rows_the_columns_stay(render, frame):
    assert render(frame.iloc[:0]) != render(frame.iloc[:0].drop(columns="draws"))


def test_without_columns_there_is_still_an_answer(render):
    assert isinstance(render(pd.DataFrame()), bytes)


def test_text_formats_are_utf_8_with_plain_line_ends(entry, render, frame):
    if entry.binary:
        pytest.skip("not text")
    text = render(frame).decode("utf-8")
    assert "schön 日本語 🎉" in text
    assert text.endswith("\n")
    assert "\r" not in text
    assert "nan" not in text.lower()
    assert "<NA>" not in text
    assert "None" not in text

"""Markdown: one line a row, and data that is shown as it stands."""

import html
import re

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.reports.formats.markdown import render

SEEDED = settings(derandomize=True, deadline=None)


def parsed(content):
    """The cells of a GitHub-flavoured table, read by the rules of its specification."""
    lines = content.decode("utf-8").split("\n")
    assert lines.pop() == ""
    rows = []
    for line in lines:
        parts = re.findall(r"((?:\\.|[^|\\])*)\|", line)
        rows.append([unescaped(part.strip(" ")) for part in parts[1:]])
    return rows


def unescaped(cell):
    assert not re.search(r"<(?!br>)", cell)
    text = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", cell.replace("<br>", "\n"))
    return html.unescape(text)


def one_cell(text):
    rows = parsed(render(pd.DataFrame({"x": [text], "y": ["z"]})))
    assert [len(row) for row in rows] == [2, 2, 2]
    return rows[2][0]


@pytest.mark.parametrize(
    "text",
    [
        "a|b",
        "a\\|b",
        "a\\",
        "two\nlines",
        "<script>alert(1)</script>",
        "&lt; &amp;",
        "`code` *bold* ~~gone~~ $x$",
        "[link](javascript:alert)",
        "_a_ b_c __d",
    ],
)
def test_text_comes_back(text):
    assert one_cell(text) == text


@SEEDED
@given(st.text(alphabet=st.characters(exclude_categories=["C", "Z"]) | st.sampled_from("\\|_<&")))
def test_any_text_comes_back(text):
    assert one_cell(text) == text


def test_markup_is_escaped_and_names_are_left_readable():
    content = render(pd.DataFrame({"macro_f1": ["smollm2-135m-instruct"], "_x_": ["[a](b)"]}))
    assert content.decode() == (
        "| macro_f1 | \\_x\\_ |\n| --- | --- |\n| smollm2-135m-instruct | \\[a\\](b) |\n"
    )


def test_line_ends_and_control_characters():
    assert one_cell("a\r\nb\rc\x1b[31m\x00d") == "a\nb\nc[31md"


def test_intervals_are_folded_into_their_value():
    frame = pd.DataFrame(
        {
            "method": ["a", "b", "c"],
            "accuracy": [0.8123, 0.5, None],
            "accuracy_low": [0.76, None, None],
            "accuracy_high": [0.861, None, None],
            "tokens_read": pd.Series([12345678, 0, None], dtype="Int64"),
        }
    )
    assert parsed(render(frame)) == [
        ["method", "accuracy", "tokens_read"],
        ["---", "---:", "---:"],
        ["a", "0.812 [0.760, 0.861]", "12345678"],
        ["b", "0.500", "0"],
        ["c", "", ""],
    ]


def test_the_interval_of_a_cells_row_is_folded_too():
    frame = pd.DataFrame({"metric": ["mcc"], "value": [-0.25], "low": [-0.4], "high": [-0.0001]})
    assert parsed(render(frame))[2] == ["mcc", "-0.250 [-0.400, 0.000]"]


def test_a_datas_own_low_and_high_are_left_alone():
    frame = pd.DataFrame({"field_price": [1.0], "field_price_low": [0.5], "field_price_high": [2]})
    assert parsed(render(frame))[0] == list(frame)

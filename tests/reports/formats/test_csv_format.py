"""CSV: read back as it was, and never a formula."""

import csv
import io

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.reports.formats.csv import render

SEEDED = settings(derandomize=True, deadline=None)
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")  # noqa: RUF001
HIDDEN = " \t\r\n\v\f\xa0\u200b\ufeff\u2028\0"

texts = st.text() | st.builds(
    lambda *parts: "".join(parts),
    st.text(alphabet=HIDDEN + "'", max_size=3),
    st.sampled_from(DANGEROUS),
    st.text(max_size=5),
)


def read(content):
    return list(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))


def column(values, dtype="string"):
    return pd.DataFrame({"a": pd.Series(values, dtype=dtype)})


def cells(values, dtype="string"):
    return [row[0] for row in read(render(column(values, dtype)))[1:]]


@SEEDED
@given(st.lists(st.lists(texts, min_size=2, max_size=2), max_size=4))
def test_every_text_comes_back_with_one_quote_more_at_most(rows):
    found = read(render(pd.DataFrame(rows, columns=["a", "b"], dtype="string")))
    assert found[0] == ["a", "b"]
    for row, back in zip(rows, found[1:], strict=True):
        for text, cell in zip(row, back, strict=True):
            assert cell in (text, f"'{text}")
            assert not cell.startswith(DANGEROUS)
            assert not cell.lstrip(HIDDEN).startswith(DANGEROUS)


@SEEDED
@given(texts, texts)
def test_different_texts_stay_different(one, other):
    assert (cells([one]) == cells([other])) == (one == other)


@pytest.mark.parametrize("start", DANGEROUS)
@pytest.mark.parametrize("before", ["", " ", "\n", " \t", "\u200b"])
def test_what_begins_like_a_formula_gets_a_quote(before, start):
    text = f'{before}{start}HYPERLINK("x";A1)'
    assert cells([text]) == [f"'{text}"]


@pytest.mark.parametrize("text", ["8/class", "a=b", "C=1,max_iter=100", "'", "", "don't", "≥ 3"])
def test_other_texts_are_left_alone(text):
    assert cells([text]) == [text]


def test_a_quote_in_front_does_not_hide_a_text_that_had_one():
    assert cells(["=1", "'=1"]) == ["'=1", "''=1"]


def test_a_header_is_text_too():
    assert read(render(pd.DataFrame({"=a": [1], "@b": [2]})))[0] == ["'=a", "'@b"]


def test_numbers_stay_numbers():
    numbers = [-1.5, 0.1 + 0.2, 1 / 3, 1e-7, 123456.0, -0.0, None]
    found = cells(numbers, "float64")
    assert found == ["-1.5", "0.3", "0.333333", "1e-07", "123456", "0", ""]
    assert cells([-7, 12345678, None], "Int64") == ["-7", "12345678", ""]
    assert cells([-7, -0.5, "-7", None], "object") == ["-7", "-0.5", "'-7", ""]


def test_quoting_is_that_of_rfc_4180():
    assert render(column(['a"b', "a,b", "a\r\nb", "ab"])) == (b'a\n"a""b"\n"a,b"\n"a\r\nb"\nab\n')


def test_a_lone_empty_cell_is_still_a_row():
    assert cells(["x", None, "y"]) == ["x", "", "y"]

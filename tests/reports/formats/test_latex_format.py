"""LaTeX: escaped, balanced, and a tabular of booktabs."""

import re

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.reports.formats.latex import render

SEEDED = settings(derandomize=True, deadline=None)
MACROS = {
    r"\textbackslash{}": "\\",
    r"\textasciitilde{}": "~",
    r"\textasciicircum{}": "^",
    r"\textless{}": "<",
    r"\textgreater{}": ">",
    r"\textbar{}": "|",
    r"\symbol{34}": '"',
    **{f"{{{sign}}}": sign for sign in "[]*"},
    **{f"\\{sign}": sign for sign in "{}$&#%_"},
}
TOKENS = re.compile("|".join(map(re.escape, MACROS)) + r"|(?P<empty>\{\})|(?P<one>.)", re.DOTALL)


def lines(frame):
    return render(frame).decode("utf-8").split("\n")


def unescaped(cell):
    """What LaTeX would draw; fails on a special character that is not escaped."""
    found = []
    for token in TOKENS.finditer(cell):
        if token["one"]:
            assert token["one"] not in '\\{}$&#%_~^<>|"[]*', cell
        found.append("" if token["empty"] else token["one"] or MACROS[token[0]])
    return "".join(found)


def one_cell(text):
    line = lines(pd.DataFrame({"x": [text]}))[4]
    assert line.endswith(r" \\")
    return line.removesuffix(r" \\")


@SEEDED
@given(st.text(alphabet=st.characters(exclude_categories=["C", "Z"]) | st.sampled_from("\\{}-'`")))
def test_any_text_comes_back(text):
    assert unescaped(one_cell(text)) == text


def test_special_characters():
    assert one_cell(r"50% & \cmd{x}_1 $#") == (r"50\% \& \textbackslash{}cmd\{x\}\_1 \$\#")
    assert one_cell("[a] *") == "{[}a{]} {*}"
    assert one_cell("smollm2-135m --- ``x'' ?`") == "smollm2-135m -{}-{}- `{}`x'{}' ?{}`"


def test_a_cell_is_one_line_without_control_characters():
    assert one_cell("two\nlines\tand\x1b[0m\r\nmore") == "two lines and {[}0m more"


def test_the_whole_tabular():
    frame = pd.DataFrame(
        {
            "method": ["few_shot", "tfidf"],
            "draws": pd.Series([3, None], dtype="Int64"),
            "mcc": [-0.25, None],
            "mcc_low": [-0.4, None],
            "mcc_high": [0.1, None],
        }
    )
    assert lines(frame) == [
        r"\begin{tabular}{lrr}",
        r"\toprule",
        r"method & draws & mcc \\",
        r"\midrule",
        r"few\_shot & 3 & $-$0.250 [$-$0.400, 0.100] \\",
        r"tfidf &  &  \\",
        r"\bottomrule",
        r"\end{tabular}",
        "",
    ]

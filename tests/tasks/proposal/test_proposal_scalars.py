"""Any text survives as a YAML scalar, in our reader and in PyYAML's safe one."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from harness.core.yaml import load_yaml
from harness.tasks.proposal.scalars import comment, quote, quoted_list

HARD = [
    "yes", "No", "None", "null", "~", "007", "1e3", "1.0", "0x1F", "1:30", "2024-01-02", "a: b",
    "a #b", "- a", "? a", "{a}", "[a]", "'a'", '"a"', "a\nb", " a ", "\ta", "*a", "&a", "!a", "%a",
    "@a", "`a", "|", ">", "=", "<<", "👍 emoji", "\x85", "\u2028", "\ufeff", "\x00", "\x7f", "\\n",
    "Ärger", "a\u202eb", "true", "off", ".inf", ".nan", "---", "...", "", "a/b", "a, b", "\ufffe",
]  # fmt: skip
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("yaml") / "x.yaml"


def survives(texts, path):
    lines = [f"  - name: {quote(text)}  # {comment(text)}" for text in texts]
    flow = f"flow: {quoted_list(texts)}"
    path.write_text("\n".join(["labels:", *lines, flow, ""]), "utf-8", newline="")
    assert [one["name"] for one in load_yaml(path).data["labels"]] == texts
    assert load_yaml(path).data["flow"] == texts
    assert yaml.safe_load(path.read_text("utf-8"))["flow"] == texts


def test_hard_ones(path):
    survives(HARD, path)


@given(texts=st.lists(TEXTS, min_size=1))
def test_any_text(texts, path):
    survives(texts, path)


@pytest.mark.parametrize("text", ["CANCEL_ORDER", "cancel order", "a-b", "mails/train.csv", "x.y"])
def test_what_is_harmless_stays_bare(text):
    assert quote(text) == text


def test_a_comment_is_one_line():
    assert comment("a\nb\x07c\u202ed  e") == "a b c d e"
    assert len(comment("x" * 1000)) == 160

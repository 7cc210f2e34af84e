import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import UserError
from harness.core.types import Example, Label
from harness.tasks.draws import Budget, draw, sample_test

LABELS = [Label(name, name) for name in "abc"]


def pool_of(targets):
    return [Example(2 * place, {"text": target}, target) for place, target in enumerate(targets)]


POOL = pool_of("aabacabbaacabbaaab" * 3)


@pytest.mark.parametrize("text", ["8/class", "100", "0", "all", "1/class"])
def test_budgets_are_spelled_as_read(text):
    assert str(Budget.parse(text)) == text
    assert str(Budget.parse(f" {text} ")) == text


@pytest.mark.parametrize("text", ["", "-1", "8/label", "0/class", "1.5", "ALL", "8/", "٣", "1e3"])
def test_what_is_no_budget(text):
    with pytest.raises(UserError, match="8/class, 100, all, 0, rows:FILE"):
        Budget.parse(text)


def test_number_of_draws():
    known = {"all": 1, "0": 1, "100": None, "8/class": None}
    assert {text: Budget.parse(text).draws for text in known} == known
    assert Budget.of_rows([[0], [2], [4]]).draws == 3


def test_never_changes():
    # The order of rows 0 to 5 as sha256sum gives it for "0:0:ROW" and "0:1:ROW".
    pool = [Example(row, {"text": "x"}, "a") for row in range(6)]
    for number, order in enumerate([(4, 1, 2, 3, 0, 5), (3, 0, 4, 1, 2, 5)]):
        assert draw(pool, LABELS, Budget.parse("6"), seed=0, draw=number).rows == order
        assert draw(pool, LABELS, Budget.parse("6/class"), seed=0, draw=number).rows == order


def test_so_many_of_each_class():
    drawn = draw(POOL, LABELS, Budget.parse("8/class"))
    targets = [POOL[place].target for place in drawn.rows]
    assert targets == ["a"] * 8 + ["b"] * 8 + ["c"] * 6
    assert drawn.short == {"c": 6}
    assert draw(POOL, [*LABELS, Label("d", "d")], Budget.parse("1/class")).short == {"d": 0}


def test_draws_and_seeds_differ_and_repeat():
    def rows(seed, number):
        return draw(POOL, LABELS, Budget.parse("4/class"), seed=seed, draw=number).rows

    assert len({rows(seed, number) for seed in range(3) for number in range(3)}) == 9
    assert rows(1, 2) == rows(1, 2)


POOLS = st.text("abc", min_size=1, max_size=40).map(pool_of)


@given(POOLS, st.integers(0, 9), st.data())
def test_totals_nest_and_hold_every_class(pool, number, data):
    larger = data.draw(st.integers(0, len(pool)))
    smaller = data.draw(st.integers(0, larger))
    small, large = (
        draw(pool, LABELS, Budget.parse(str(count)), draw=number).rows
        for count in (smaller, larger)
    )
    assert large[:smaller] == small
    assert len(set(large)) == larger
    classes = len({example.target for example in pool})
    assert len({pool[place].target for place in large}) >= min(larger, classes)


@given(POOLS, st.integers(1, 9), st.integers(1, 9))
def test_classes_nest(pool, few, more):
    small, large = (
        set(draw(pool, LABELS, Budget.parse(f"{count}/class")).rows) for count in (few, few + more)
    )
    assert small <= large


SETS = [Example(row, {"text": "x"}, labels) for row, labels in enumerate(
    [("a", "b"), ("a",), ("b", "c"), (), ("c",), ("a", "b", "c"), ("a",)] * 3
)]  # fmt: skip


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_row_with_several_labels_counts_for_each_and_is_drawn_once(count):
    drawn = draw(SETS, LABELS, Budget("class", count))
    assert len(set(drawn.rows)) == len(drawn.rows)
    for label in LABELS:
        assert sum(label.name in SETS[place].target for place in drawn.rows) >= count
    assert drawn.short == {}
    assert all(SETS[place].target for place in drawn.rows), "a row without labels is in no class"
    assert draw(SETS, LABELS, Budget("class", 100)).short == {"a": 12, "b": 9, "c": 9}


def test_a_total_of_rows_with_several_labels_holds_every_label():
    for number in range(5):
        rows = draw(SETS, LABELS, Budget.parse("3"), draw=number).rows
        assert {name for place in rows for name in SETS[place].target} == set("abc")


def test_rows_without_labels_to_draw_by_are_drawn_all_the_same():
    pool = [Example(row, {"text": "x"}, ("an answer",)) for row in range(10)]
    assert len(set(draw(pool, [], Budget.parse("4")).rows)) == 4


def test_the_draw_depends_on_row_numbers_not_on_places():
    without_first = draw(POOL[1:], LABELS, Budget.parse("5")).rows
    rows = [POOL[place].row for place in draw(POOL, LABELS, Budget.parse("6")).rows]
    assert {POOL[1:][place].row for place in without_first} & set(rows)


def test_none_and_all():
    assert draw(POOL, LABELS, Budget.parse("0")).rows == ()
    assert draw(POOL, LABELS, Budget.parse("all"), draw=3).rows == tuple(range(len(POOL)))
    assert draw([], LABELS, Budget.parse("0")).rows == ()


@pytest.mark.parametrize("budget", ["all", "8/class", "5", Budget.of_rows([[0]])])
def test_no_training_rows(budget):
    budget = Budget.parse(budget) if isinstance(budget, str) else budget
    with pytest.raises(UserError, match="this task has no training rows") as caught:
        draw([], LABELS, budget)
    assert "zero_shot" in str(caught.value)


def test_more_than_the_pool():
    with pytest.raises(UserError) as caught:
        draw(POOL, LABELS, Budget.parse("55"))
    assert "at most 54" in str(caught.value)
    assert "`all`" in str(caught.value)


def test_rows_of_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.json").write_text(json.dumps([[4, 0], [106]]))
    budget = Budget.parse("rows:rows.json")
    assert str(budget) == "rows:rows.json"
    assert draw(POOL, LABELS, budget, draw=0).rows == (2, 0)
    assert draw(POOL, LABELS, budget, draw=1).rows == (53,)
    with pytest.raises(UserError, match="no draw number 2"):
        draw(POOL, LABELS, budget, draw=2)


def test_rows_in_python():
    budget = Budget.of_rows([[4, 0], [106]])
    assert budget.rows == ((4, 0), (106,))
    assert str(budget) != str(Budget.of_rows([[4, 0], [104]]))
    with pytest.raises(UserError, match=r"not in the training pool\n  found:    \[3\]"):
        draw(POOL, LABELS, Budget.of_rows([[2, 3]]))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("[[0], [1", "not valid JSON"),
        (f"[[{'9' * 5000}]]", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", "not lists of row numbers"),
        ("{}", "not lists of row numbers"),
        ("[0, 1]", "list 0: not a list of row numbers"),
        ("[[0], []]", "list 1: not a list of row numbers"),
        ("[[0, true]]", "list 0: not a row number"),
        ("[[-1]]", "list 0: not a row number"),
        ("[[1.0]]", "list 0: not a row number"),
        ("[[5, 6, 5]]", "list 0: a row is listed twice"),
    ],
)
def test_mistakes_in_a_file_of_rows(tmp_path, content, expected):
    (tmp_path / "rows.json").write_text(content)
    with pytest.raises(UserError) as caught:
        Budget.parse(f"rows:{tmp_path}/rows.json")
    assert expected in str(caught.value)
    assert "rows.json" in str(caught.value)


def test_an_absent_file_of_rows():
    with pytest.raises(UserError, match=r"absent\.json: cannot be read: No such file"):
        Budget.parse("rows:absent.json")


def test_sample_of_the_test_rows():
    sample = sample_test(POOL, 10)
    assert len(sample) == 10
    assert [example.row for example in sample] == sorted(example.row for example in sample)
    assert sample == sample_test(POOL, 10)
    assert sample != sample_test(POOL, 10, seed=1)
    assert {e.row for e in sample} < {e.row for e in sample_test(POOL, 11)}
    assert sample_test(POOL, 1000) == tuple(POOL)
    with pytest.raises(UserError, match="1 or more"):
        sample_test(POOL, 0)

"""Label budgets of a task with two domains: all rows of the source, none, or some of the target."""

import pytest

from harness.core.errors import UserError
from harness.tasks.check import check_task
from harness.tasks.draws import Budget, draw
from harness.tasks.task import load_task

DOMAIN = {"domain": {"column": "shop", "source": "books", "target": "bikes"}}


def rows_of(shop, count, start=0):
    return [
        {"text": f"{shop} {number}", "label": "ab"[number % 2], "shop": shop}
        for number in range(start, start + count)
    ]


FILES = {
    "train": [*rows_of("books", 6), *rows_of("bikes", 4)],
    "test": [*rows_of("books", 3, 20), *rows_of("bikes", 2, 20)],
}


@pytest.mark.parametrize("text", ["source", "source+8/class", "source+100", "source+all"])
def test_budgets_of_the_source(text):
    budget = Budget.parse(f" {text} ")
    assert (str(budget), budget.source) == (text, True)


@pytest.mark.parametrize("text", ["source+0", "source+", "source+source", "source 8", "sources"])
def test_what_is_no_budget_of_the_source(text):
    with pytest.raises(UserError, match="not a label budget"):
        Budget.parse(text)


def test_listed_rows_may_stand_beside_the_source(tmp_path):
    (tmp_path / "rows.json").write_text("[[6], [7], [8]]")
    budget = Budget.parse(f"source+rows:{tmp_path}/rows.json")
    assert (budget.draws, budget.is_whole, budget.source) == (3, False, True)
    assert str(budget) == f"source+rows:{tmp_path}/rows.json"


def test_how_many_draws_there_are():
    known = {"source": 1, "source+all": 1, "source+2/class": None, "source+32": None}
    assert {text: Budget.parse(text).draws for text in known} == known
    whole = [text for text in [*known, "all", "0", "8/class"] if Budget.parse(text).is_whole]
    assert whole == ["source", "source+all", "all"]


def test_the_source_comes_first_and_changes_no_draw(made):
    task = load_task(made(FILES, DOMAIN))

    def rows(text, number=0):
        budget = Budget.parse(text)
        drawn = draw(task.train, task.labels, budget, draw=number)
        return task.training_rows(budget, drawn)

    assert rows("source") == task.source_rows
    assert rows("source+all") == task.source_rows + task.train
    for number in range(3):
        assert rows("source+1/class", number) == task.source_rows + rows("1/class", number)
        assert rows("source+3", number)[:-1] == rows("source+2", number), "larger holds smaller"


def test_the_source_alone_needs_no_target_rows(made):
    path = made({"source": rows_of("books", 4), "test": FILES["test"][3:]})
    task = load_task(path)
    assert task.train == ()
    assert draw(task.train, task.labels, Budget.parse("source")).rows == ()
    with pytest.raises(UserError, match="no training rows") as caught:
        draw(task.train, task.labels, Budget.parse("source+all"))
    assert "`source` needs none" in str(caught.value)
    said = [finding.message for finding in check_task(path)]
    assert any("only the label budget `source` and zero-shot" in line for line in said)


def test_a_task_without_a_source_gives_none(made):
    task = load_task(made(FILES))
    budget = Budget.parse("source+all")
    with pytest.raises(UserError, match="'made' has no source domain"):
        task.training_rows(budget, draw(task.train, task.labels, budget))

"""Tables of runs with tasks of every kind."""

import dataclasses
import json

import pandas as pd
import pytest

from harness.core.errors import DataError, UserError
from harness.core.types import Prediction
from harness.metrics import METRICS, metrics_for
from harness.metrics.evaluate import estimates
from harness.metrics.scored import ScoredScope
from harness.reports.evaluate import RunReader
from harness.reports.export import export
from harness.reports.formats import FORMATS
from harness.reports.table import cells_table, predictions_table, run_table, write_tables
from harness.reports.text import terminal_table
from harness.tasks.kinds import KINDS


@dataclasses.dataclass(frozen=True)
class KindOfRun:
    """What a run with a task of some kind is made of: four rows, one of them not answered.

    Attributes:
        kind: The task kind.
        gold: What is right.
        outputs: What was answered.
        probabilities: Those of every row that is answered.
        values: What some metrics come to, counted by hand.
        shown: The two metrics that a terminal shows.
    """

    kind: str
    gold: tuple
    outputs: tuple
    probabilities: tuple | None
    values: dict
    shown: tuple
    labels: tuple = ("a", "b")
    choices: tuple = ()

    def task(self):
        return {
            "gold": self.gold,
            "name": self.kind,
            "kind": self.kind,
            "labels": self.labels,
            "choices": self.choices,
            "majority": None,
        }

    def predictions(self):
        return [
            Prediction(None, failure="unread")
            if output is None
            else Prediction(output, self.probabilities)
            for output in self.outputs
        ]


ONE = {"gold": tuple("abba"), "outputs": ("a", "b", "a", None), "probabilities": (0.5, 0.5)}
KINDS_OF_RUNS = [
    KindOfRun(
        "single_label", **ONE,
        values={"accuracy": 0.5, "macro_f1": 0.5 * (1 / 2 + 2 / 3), "brier": 0.5},
        shown=("accuracy", "macro_f1"),
    ),
    KindOfRun(
        "text_pair", **ONE,
        values={"accuracy": 0.5, "balanced_accuracy": 0.5},
        shown=("accuracy", "macro_f1"),
    ),
    KindOfRun(
        "ordinal", **ONE,
        values={"accuracy": 0.5, "mean_absolute_error": 0.5, "quadratic_kappa": 0.0},
        shown=("accuracy", "mean_absolute_error"),
    ),
    KindOfRun(
        "multiple_choice", tuple("ABBA"), ("A", "B", "A", None), (0.5, 0.5, 0.0),
        values={"accuracy": 0.5, "brier": 0.5},
        shown=("accuracy", "log_loss"), labels=tuple("ABC"), choices=("yes", "no"),
    ),
    KindOfRun(
        "multi_label", (("a", "b"), ("b",), (), ("a",)), (("a",), ("b", "a"), (), None), (0.9, 0.8),
        values={"micro_f1": 4 / 7, "macro_f1": 0.5 * (0.5 + 2 / 3), "subset_accuracy": 0.25,
                "sample_f1": 0.25 * (2 / 3 + 2 / 3 + 1), "hamming_loss": 0.25 * (0.5 + 0.5 + 1)},
        shown=("micro_f1", "macro_f1"),
    ),
    KindOfRun(
        "extraction", (("7 pm",), ("",), ("the bar", "bar"), ("two", "2")),
        ("7 PM.", "", "a bar there", None), None,
        values={"exact_match": 0.5, "token_f1": 0.25 * (2 + 2 / 3), "answered_exact_match": 1 / 3,
                "answered_token_f1": (1 + 2 / 3) / 3},
        shown=("exact_match", "token_f1"), labels=(),
    ),
    KindOfRun(
        "generation", (("yes",), ("no", "never"), ("=1+1",), ("x",)), ("Yes", "no", "=1", None),
        probabilities=None,
        values={"exact_match": 0.5, "token_f1": 0.5},
        shown=("exact_match", "token_f1"), labels=(),
    ),
]  # fmt: skip
SCOPE = ["out_of_scope_recall", "out_of_scope_precision", "out_of_scope_f1"]


@pytest.fixture(params=KINDS_OF_RUNS, ids=lambda one: one.kind)
def of_kind(request):
    """What a run of one kind is made of."""
    return request.param


@pytest.fixture
def kind_run(make_run, of_kind):
    """A run with one cell of a task of that kind."""
    run = make_run().task(**of_kind.task())
    return run.cell(of_kind.predictions(), task=of_kind.kind).write()


@pytest.fixture
def all_kinds_run(make_run):
    """A run with a task of every kind."""
    run = make_run("all_kinds")
    for one in KINDS_OF_RUNS:
        run.task(**one.task()).cell(one.predictions(), task=one.kind)
    return run.write()


def metrics_in(table):
    return [name for name in table if name in METRICS]


def headers(block):
    return block.split("\n")[1].split()


def test_every_kind_is_tried(all_kinds_run):
    assert set(run_table(all_kinds_run)["task"]) == {kind.name for kind in KINDS}


def test_a_table_has_the_metrics_of_the_kind(kind_run, of_kind):
    table = run_table(kind_run)
    fitting = metrics_for(of_kind.kind, scope=False)
    assert metrics_in(table) == [entry.name for entry in fitting if not entry.per_class]
    row = table.iloc[0]
    assert {name: row[name] for name in of_kind.values} == pytest.approx(of_kind.values)
    first = metrics_in(table)[0]
    assert row[f"{first}_low"] <= row[first] <= row[f"{first}_high"]
    assert (row["test_rows"], row["unread"], row["failed_requests"]) == (4, 1, 0)
    assert row["out_of_scope_rows"] == 0


def test_no_kind_is_near_chance_without_a_majority_class(make_run, of_kind):
    run = make_run().task(**of_kind.task())
    run.cell(of_kind.predictions(), task=of_kind.kind)
    assert run_table(run.write()).iloc[0]["warnings"] == ""


def test_near_chance_is_seen_where_a_kind_has_a_majority_class(make_run, of_kind):
    run = make_run().task(**of_kind.task() | {"majority": 0.9})
    run.cell(of_kind.predictions(), task=of_kind.kind)
    seen = "near chance" in run_table(run.write()).iloc[0]["warnings"]
    assert seen == ("accuracy" in of_kind.values)


def test_cells_have_a_row_for_each_metric_and_label(kind_run, of_kind):
    cells = cells_table(kind_run)
    fitting = metrics_for(of_kind.kind, scope=False)
    assert list(dict.fromkeys(cells["metric"])) == [entry.name for entry in fitting]
    per_class = [entry.name for entry in fitting if entry.per_class]
    assert cells["label"].notna().sum() == len(per_class) * len(of_kind.labels)
    values = cells[cells["label"].isna()].set_index("metric")["value"]
    assert {name: values[name] for name in of_kind.values} == pytest.approx(of_kind.values)


def test_predictions_hold_what_is_right_and_what_was_answered(kind_run, of_kind):
    def read(cell, like):
        return tuple(json.loads(cell)) if isinstance(like, tuple) else cell

    made = predictions_table(kind_run)
    gold = [read(cell, like) for cell, like in zip(made["gold"], of_kind.gold, strict=True)]
    assert gold == list(of_kind.gold)
    for cell, output in zip(made["output"], of_kind.outputs, strict=True):
        assert (output is None and pd.isna(cell)) or read(cell, output) == output
    assert made["failure"].fillna("").tolist() == ["", "", "", "unread"]
    one_label = of_kind.probabilities is not None and of_kind.kind != "multi_label"
    expected = [0.5, 0.5, 0.5, -1] if one_label else [-1] * 4
    assert made["probability"].fillna(-1).tolist() == expected
    if of_kind.choices:
        assert made["choices"].tolist() == ['["yes", "no"]'] * 4
    else:
        assert "choices" not in made


def test_no_labels_are_an_answer_and_no_text_is_one(make_run):
    run = make_run().task(((), ()), kind="multi_label", majority=None)
    folder = run.cell([Prediction(()), Prediction(None, failure="request")]).write()
    assert predictions_table(folder)["output"].fillna("-").tolist() == ["[]", "-"]
    assert predictions_table(folder)["gold"].tolist() == ["[]", "[]"]
    row = run_table(folder).iloc[0]
    assert (row["unread"], row["failed_requests"], row["subset_accuracy"]) == (0, 1, 0.5)
    assert pd.isna(row["micro_f1"])


@pytest.mark.parametrize("rows", ["table", "cells", "predictions"])
@pytest.mark.parametrize("entry", list(FORMATS), ids=lambda entry: entry.name)
def test_all_kinds_together_in_every_format(all_kinds_run, run_dir, rows, entry):
    for folders in ([all_kinds_run], [run_dir, all_kinds_run]):
        content = export(folders, rows=rows, format=entry.name)
        assert len(content) > 500
        assert content == export(folders, rows=rows, format=entry.name)


def test_an_answer_that_a_spreadsheet_would_run_is_quoted(all_kinds_run):
    csv = export([all_kinds_run], rows="predictions").decode()
    assert ',"[""=1+1""]",\'=1,' in csv
    assert ",=1," not in csv


def test_the_columns_of_all_kinds_stand_in_the_order_of_the_metrics(all_kinds_run):
    table = write_tables(all_kinds_run)
    unscoped = [e.name for e in METRICS if not (e.per_class or e.scope)]
    assert metrics_in(table) == unscoped
    by_task = table.set_index("task")
    assert by_task["accuracy"].notna().sum() == 4
    assert pd.isna(by_task.loc["generation", "accuracy"])
    assert by_task.loc["generation", "exact_match"] == 0.5


def test_a_terminal_shows_the_two_metrics_of_the_kind(kind_run, of_kind):
    text = terminal_table(run_table(kind_run), 120)
    assert [name for name in headers(text) if name in METRICS] == list(of_kind.shown)
    assert f"{of_kind.values[of_kind.shown[0]]:.3f} [" in text


def test_every_block_of_a_terminal_shows_its_own_metrics(all_kinds_run):
    shown = {}
    for block in terminal_table(run_table(all_kinds_run), 120).split("\n\n"):
        task = block.partition(",")[0]
        shown[task] = tuple(name for name in headers(block) if name in METRICS)
    assert shown == {
        "single_label": ("accuracy", "macro_f1"),
        "text_pair": ("accuracy", "macro_f1"),
        "ordinal": ("accuracy", "mean_absolute_error"),
        "multiple_choice": ("accuracy", "log_loss"),
        "multi_label": ("micro_f1", "macro_f1"),
        "extraction": ("exact_match", "token_f1"),
        "generation": ("exact_match", "token_f1"),
    }


def test_the_spread_is_that_of_the_kinds_first_metric(make_run, of_kind):
    run = make_run().task(**of_kind.task()).task("ab", name="other")
    for draw in range(2):
        run.cell(of_kind.predictions()[: 4 - draw] + [Prediction(None)] * draw,
                 task=of_kind.kind, draw=draw)  # fmt: skip
    silent = [Prediction(None, failure="unread")] * 4
    run.cell(silent, task=of_kind.kind, draw=2)
    row = run_table(run.write()).iloc[0]
    value = of_kind.values[of_kind.shown[0]]
    assert row["sd_over_draws"] == pytest.approx(value / 3**0.5)  # of value, value and 0
    block = terminal_table(run_table(run.run_dir), 140)
    assert headers(block)[4:6] == [of_kind.shown[0], "sd"]


def test_an_output_of_another_kind_is_refused(make_run, of_kind):
    wrong = 1 if of_kind.kind != "multi_label" else "a"
    made = [Prediction(("a",) if wrong == 1 else "a"), *of_kind.predictions()[1:]]
    run = make_run().task(**of_kind.task()).cell(made, task=of_kind.kind)
    with pytest.raises(DataError, match="expected"):
        run_table(run.write())


def test_a_metric_that_is_not_for_the_kind_is_named(make_run):
    run = make_run().task((("a",),), kind="multi_label", metrics=("mcc",))
    run.cell([Prediction(("a",))])
    with pytest.raises(UserError, match=r"task mails: metrics: .*kind multi_label"):
        run_table(run.write())


class TestOutOfScope:
    GOLD = ("a", "b", "oos", "a", "oos", "oos")
    OUTPUTS = ("a", "oos", "oos", None, "b", None)

    @pytest.fixture(params=["single_label", "text_pair", "ordinal"])
    def folder(self, make_run, request):
        made = [
            Prediction(output, None if output is None else (0.25, 0.75)) for output in self.OUTPUTS
        ]
        run = make_run().task(self.GOLD, kind=request.param, out_of_scope="oos", majority=0.0)
        return run.cell(made).write(seed=3)

    def test_in_scope_a_rejected_row_is_wrong(self, folder):
        row = run_table(folder).iloc[0]
        assert row["accuracy"] == pytest.approx(1 / 3)
        assert row["brier"] == pytest.approx((2 * 0.75**2 + 2 * 0.25**2) / 2)
        assert (row["out_of_scope_rows"], row["unread"]) == (3, 2)

    def test_metrics_of_the_scope_see_all_rows(self, folder):
        table = run_table(folder)
        assert metrics_in(table)[-3:] == SCOPE
        assert table.iloc[0][SCOPE].tolist() == pytest.approx([1 / 3, 1 / 2, 2 / 5])

    def test_their_intervals_come_from_the_same_seed(self, folder):
        (group,) = RunReader(folder).groups()
        (cell,) = group.cells
        scored = ScoredScope.from_predictions("oos", cell.examples, cell.predictions)
        assert scored.rows == 6
        metrics = [METRICS.get(name).load()() for name in SCOPE]
        expected = estimates(metrics, [scored], seed=3)
        assert {name: group.estimates[name] for name in SCOPE} == expected

    def test_a_rejected_row_has_no_probability(self, folder):
        made = predictions_table(folder)
        assert made["output"].fillna("-").tolist() == ["a", "oos", "oos", "-", "b", "-"]
        assert made["probability"].fillna(-1).tolist() == [0.25, -1, -1, -1, 0.75, -1]

    def test_one_of_them_can_be_the_first_metric(self, make_run):
        run = make_run().task(("a", "oos"), metrics=("out_of_scope_recall",), out_of_scope="oos")
        for draw, output in enumerate(("oos", "a")):
            run.cell([Prediction("a"), Prediction(output)], draw=draw)
        row = run_table(run.write()).iloc[0]
        assert row["out_of_scope_recall"] == 0.5
        assert row["sd_over_draws"] == pytest.approx(0.5**0.5)

    def test_a_task_without_such_a_label_has_none(self, run_dir, make_run, say):
        assert not set(SCOPE) & set(run_table(run_dir))
        run = make_run("other").task("ab", metrics=("accuracy", *SCOPE)).cell(say("ab"))
        with pytest.raises(UserError, match="without an out-of-scope label"):
            run_table(run.write())

"""The three tables of a run, column by column."""

import csv
import subprocess
import sys

import pandas as pd
import pytest

from harness.core import progress
from harness.core.types import Prediction
from harness.metrics import METRICS, metrics_for
from harness.reports.formats.csv import render
from harness.reports.table import (
    COORDINATES,
    MEASURED,
    cells_table,
    predictions_table,
    run_table,
    write_tables,
)

FITTING = metrics_for("single_label", scope=False)
PLAIN = [entry.name for entry in FITTING if not entry.per_class]
PER_CLASS = [entry.name for entry in FITTING if entry.per_class]
COSTS = ["fit_seconds", "seconds_per_example", "tokens_read", "peak_memory_mb"]


def test_the_columns_of_the_table_in_their_order(run_dir):
    table = run_table(run_dir)
    assert list(table) == [
        *COORDINATES,
        "draws",
        "test_rows",
        *(name + end for name in PLAIN for end in ("", "_low", "_high")),
        "sd_over_draws",
        "sd_over_prompts",
        *COSTS,
        "out_of_scope_rows",
        "shortened_rows",
        "unread",
        "failed_requests",
        "warnings",
    ]
    assert list(table["method"]) == ["majority", "prototypes"]
    assert list(table["draws"]) == [1, 3]
    assert list(table["test_rows"]) == [10, 10]


def test_a_row_is_the_mean_of_its_draws_with_an_interval(run_dir):
    row = run_table(run_dir).iloc[1]
    assert row["accuracy"] == pytest.approx((1.0 + 0.9 + 0.7) / 3)
    assert row["accuracy_low"] < row["accuracy"] < row["accuracy_high"]


def test_rows_stand_in_the_order_of_the_manifest(make_run, say):
    run = make_run().task("ab", name="second").task("ab", name="first")
    for task, labels in [("first", "32"), ("second", "8"), ("first", "8"), ("first", "32")]:
        run.cell(say("ab"), task=task, labels=labels, draw=len(run.cells))
    table = run_table(run.write())
    assert [*zip(table["task"], table["labels"], table["draws"], strict=True)] == [
        ("first", "32", 2),
        ("second", "8", 1),
        ("first", "8", 1),
    ]


def test_costs_over_the_draws(make_run, say):
    run = make_run().task("aabb")
    figures = [(1.0, 2.0, 1000, 40.0), (2.0, 4.0, 1001, 70.0), (6.0, 6.0, 1003, 60.0)]
    names = ("fit_seconds", "predict_seconds", "tokens", "peak_memory_mb")
    for draw, cost in enumerate(figures):
        run.cell(say("aabb"), draw=draw, costs=dict(zip(names, cost, strict=True)))
    row = run_table(run.write()).iloc[0]
    assert [row[name] for name in COSTS] == [3.0, 1.0, 1001, 70.0]


def test_failures_and_rows_out_of_scope_are_counted(make_run, say):
    run = make_run().task(["a", "b", "oos", "b"], out_of_scope="oos")
    row = run_table(run.cell(say("a?!b"), draw=0).cell(say("ab!b"), draw=1).write()).iloc[0]
    assert (row["test_rows"], row["out_of_scope_rows"]) == (4, 1)
    assert (row["unread"], row["failed_requests"]) == (1, 2)


def test_shortened_rows_are_counted_over_the_draws(make_run, say):
    run = make_run().task("aabb")
    for draw, rows in enumerate([2, 0, 3]):
        run.cell(say("aabb"), draw=draw, costs={"shortened_rows": rows, "halved": False})
    run.cell(say("aabb"), method="majority")  # a method without prompts
    assert run_table(run.write())["shortened_rows"].tolist() == [5, 0]


def test_halved_passes_are_announced(make_run, say):
    run = make_run().task("aabb")
    run.cell(say("aabb"), costs={"halved": False}).cell(say("aabb"), draw=1, costs={"halved": True})
    run.cell(say("aabb"), method="tfidf", costs={"halved": False})
    assert run_table(run.write())["warnings"].tolist() == [
        "equal to other runs' within 1e-4 only: memory ran short, and passes were cut",
        "",
    ]


def test_undefined_is_empty_and_never_0(make_run, say):
    folder = make_run().task("aaaa", majority=1.0).cell(say("aaaa"), method="majority").write()
    row = run_table(folder).iloc[0]
    for name in ("mcc", "mcc_low", "mcc_high", "log_loss", "brier", "ece"):
        assert pd.isna(row[name])
    cells = cells_table(folder).set_index(["metric", "label"])
    assert pd.isna(cells.loc[("precision", "b"), "value"])
    assert cells.loc[("precision", "a"), "value"] == 1.0
    write_tables(folder)
    with (folder / "table.csv").open(newline="") as file:
        (line,) = csv.DictReader(file)
    assert line["mcc"] == line["log_loss_low"] == ""
    assert (line["accuracy"], line["unread"]) == ("1", "0")


def test_a_row_without_a_finished_draw_is_empty(make_run):
    row = run_table(make_run().task("ab").cell().cell(draw=1).write()).iloc[0]
    assert (row["draws"], row["test_rows"], row["warnings"]) == (0, 2, "2 of 2 draws missing")
    others = set(row.index) - {*COORDINATES, "draws", "test_rows", "warnings"}
    assert row[list(others)].isna().all()


def test_warnings_say_each_thing_once(make_run, say):
    run = make_run().task("aabb", majority=0.1)
    for draw in range(2):
        run.cell(say("aabb"), draw=draw, notes=("label b has 3 rows", f"note {draw}"))
    failure = "ModelError: no\n  memory\n  hint:     give less"
    run.cell(draw=2, failure=failure, notes=("label b has 3 rows",))
    run.cell(draw=3, failure=failure)
    assert run_table(run.write()).iloc[0]["warnings"] == (
        "label b has 3 rows; note 0; note 1; failed: ModelError: no memory; hint: give less; "
        "2 of 4 draws missing"
    )


def test_a_finished_run_has_no_warnings(make_run, say):
    assert run_table(make_run().task("aabb").cell(say("aabb")).write()).iloc[0]["warnings"] == ""


@pytest.mark.parametrize(
    ("text", "method", "majority", "warns"),
    [
        ("aaaaabbbbb", "prototypes", 0.5, False),
        ("aaaaaaaaaa", "prototypes", 0.5, True),
        ("aaaaaaaaaa", "majority", 0.5, False),
        ("aaaaabbbbb", "prototypes", 1.0, True),
        ("bbbbbaaaaa", "prototypes", 0.0, True),
        ("aaaaaaaaaa", "prototypes", 0.05, False),
    ],
)
def test_near_chance(make_run, say, text, method, majority, warns):
    run = make_run().task("aaaaabbbbb", majority=majority).cell(say(text), method=method)
    expected = f"near chance: accuracy interval reaches the majority class ({majority:.3f})"
    assert run_table(run.write()).iloc[0]["warnings"] == (expected if warns else "")


def test_near_chance_is_seen_without_accuracy_among_the_metrics(make_run, say):
    run = make_run().task("aabb", metrics=("macro_f1",)).cell(say("aaaa"))
    table = run_table(run.write())
    assert "accuracy" not in table
    assert "near chance" in table.iloc[0]["warnings"]


def test_tasks_with_other_metrics_share_a_table(make_run, say):
    run = make_run().task("ab", name="one", metrics=("mcc", "f1"))
    run.task("ab", name="two", metrics=("accuracy", "mcc"))
    table = run_table(run.cell(say("ab"), task="one").cell(say("ab"), task="two").write())
    names = [name for name in table if name in METRICS]
    assert names == ["mcc", "accuracy"]
    assert table["accuracy"].isna().tolist() == [True, False]


def test_cells_have_a_row_for_each_metric_and_label(run_dir):
    cells = cells_table(run_dir)
    assert list(cells) == [
        *COORDINATES,
        *("draw", "train_rows", "test_rows", "metric", "label", "value", "low", "high"),
        *("fit_seconds", "predict_seconds", "tokens_read", "peak_memory_mb", "identity"),
    ]
    assert len(cells) == 4 * (len(PLAIN) + 2 * len(PER_CLASS))
    second = cells[cells["identity"] == "cell2"]
    assert list(dict.fromkeys(second["metric"])) == [entry.name for entry in FITTING]
    by_name = second.set_index("metric")
    assert by_name.loc["accuracy", "value"] == pytest.approx(0.9)
    assert pd.isna(by_name.loc["accuracy", "label"])
    assert by_name.loc["recall", "label"].tolist() == ["a", "b"]
    assert by_name.loc["recall", "value"].tolist() == pytest.approx([0.8, 1.0])
    line = by_name.loc["accuracy"]
    assert (line["draw"], line["train_rows"], line["test_rows"]) == (1, 16, 10)
    costs = ["fit_seconds", "predict_seconds", "tokens_read", "peak_memory_mb"]
    assert line[costs].tolist() == [2.0, 3.0, 1000, 50.0]


def test_cells_of_one_draw_say_what_the_table_says(run_dir):
    row = run_table(run_dir).iloc[0]
    cells = cells_table(run_dir)
    line = cells[(cells["method"] == "majority") & (cells["metric"] == "accuracy")].iloc[0]
    assert line[["value", "low", "high"]].tolist() == [
        row["accuracy"],
        row["accuracy_low"],
        row["accuracy_high"],
    ]


def test_predictions_have_a_row_for_each_cell_and_test_row(make_run, say):
    def fields(place):
        return {"text": f"mail {place}", "length": place if place else None, "urgent": True}

    run = make_run().task(["a", "b", "oos"], out_of_scope="oos", fields=fields)
    folder = run.cell(say("aa?", share=0.75), draw=0).cell(say("bb!"), draw=1).write()
    made = predictions_table(folder)
    assert list(made) == [
        *COORDINATES,
        *("draw", "row", "gold", "output", "failure", "probability"),
        *("field_text", "field_length", "field_urgent"),
    ]
    assert made["draw"].tolist() == [0, 0, 0, 1, 1, 1]
    assert made["row"].tolist() == [0, 10, 20] * 2
    assert made["gold"].tolist() == ["a", "b", "oos"] * 2
    assert made["output"].fillna("-").tolist() == ["a", "a", "-", "b", "b", "-"]
    assert made["failure"].fillna("-").tolist() == ["-", "-", "unread", "-", "-", "request"]
    assert made["probability"].fillna(-1).tolist() == [0.75, 0.75, -1, -1, -1, -1]
    assert made["field_length"].fillna(-1).tolist() == [-1, 1, 2] * 2
    assert [str(made[f"field_{name}"].dtype) for name in ("text", "length", "urgent")] == [
        "string",
        "Int64",
        "boolean",
    ]


def test_a_label_that_looks_like_a_null_stays_text(make_run, say):
    run = make_run().task(["NA", "007"], labels=("NA", "007"))
    made = predictions_table(run.cell([Prediction("007"), Prediction("NA")]).write())
    assert made["gold"].tolist() == ["NA", "007"]
    assert made["output"].tolist() == ["007", "NA"]


def test_a_run_without_cells_has_empty_tables(make_run):
    folder = make_run().task("ab").write()
    for table in (run_table, cells_table, predictions_table):
        frame = table(folder)
        assert len(frame) == 0
        assert list(frame)[:6] == list(COORDINATES)


def test_the_files_hold_the_tables(run_dir):
    table = write_tables(run_dir)
    assert (run_dir / "table.csv").read_bytes() == render(table) == render(run_table(run_dir))
    assert (run_dir / "cells.csv").read_bytes() == render(cells_table(run_dir))
    assert {path.name for path in run_dir.iterdir() if path.is_file()} == {
        "manifest.json",
        "table.csv",
        "cells.csv",
    }


def test_the_same_run_gives_the_same_bytes(make_run, say):
    contents = []
    for name, seconds in [("first", 1.0), ("second", 9.0)]:
        run = make_run(name).task("aabbab")
        costs = {"fit_seconds": seconds, "predict_seconds": seconds, "peak_memory_mb": seconds}
        for draw, text in enumerate(["aabbab", "aabbaa", "bbbbab"]):
            run.cell(say(text, share=0.7), draw=draw, costs=costs)
        folder = run.write()
        first = (write_tables(folder), (folder / "cells.csv").read_bytes())
        again = (write_tables(folder), (folder / "cells.csv").read_bytes())
        assert render(first[0]) == render(again[0])
        assert first[1] == again[1]
        contents.append([first[0], cells_table(folder)])
    for one, other in zip(*contents, strict=True):
        assert render(one) != render(other)
        unmeasured = [name for name in one if name not in MEASURED]
        assert render(one[unmeasured]) == render(other[unmeasured])


def test_tables_load_no_model_library_and_import_pandas_late(run_dir):
    code = (
        "import sys; from pathlib import Path\n"
        "from harness.reports.export import export\n"
        "from harness.reports.text import terminal_table\n"
        "assert 'pandas' not in sys.modules\n"
        "export([Path(sys.argv[1])])\n"
        "assert not {'torch', 'transformers', 'sentence_transformers', 'sklearn'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code, str(run_dir)], check=True)


@pytest.mark.parametrize("make", [run_table, cells_table, write_tables])
def test_evaluating_shows_progress_where_it_takes_long(run_dir, make, monkeypatch, capsys):
    monkeypatch.setattr(progress, "QUIET_SECONDS", -1.0)
    make(run_dir)
    assert "metrics: 2/2 rows" in capsys.readouterr().err

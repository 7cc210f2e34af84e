"""Runs in, bytes out."""

import csv
import io
from pathlib import Path

import pandas as pd
import pytest

from harness.core.errors import UserError
from harness.reports.export import export
from harness.reports.formats import FORMATS
from harness.reports.table import write_tables


def read(content):
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


@pytest.fixture
def two_runs(make_run, say):
    first = make_run("first").task("aabb", metrics=("accuracy", "f1"))
    second = make_run("second").task("abab", metrics=("accuracy", "mcc"))
    first.cell(say("aabb"))
    second.cell(say("aabb")).cell(say("abab"), method="tfidf", model="")
    return [first.write(), second.write()]


def test_one_run_is_its_table(run_dir):
    write_tables(run_dir)
    assert export([run_dir], rows="table", format="csv") == (run_dir / "table.csv").read_bytes()
    assert export([run_dir], rows="cells", format="csv") == (run_dir / "cells.csv").read_bytes()


@pytest.mark.parametrize("rows", ["table", "cells", "predictions"])
@pytest.mark.parametrize("entry", list(FORMATS), ids=lambda entry: entry.name)
def test_every_format_of_all_rows_is_written_and_returned(two_runs, tmp_path, rows, entry):
    output = tmp_path / "out" / f"x{entry.suffix}"
    content = export(two_runs, rows=rows, format=entry.name, output=output)
    assert output.read_bytes() == content == export(two_runs, rows=rows, format=entry.name)


def test_several_runs_stand_below_each_other(two_runs):
    lines = read(export(two_runs))
    assert list(lines[0])[:3] == ["run", "task", "method"]
    assert [(line["run"], line["method"], line["accuracy"], line["mcc"]) for line in lines] == [
        ("first", "prototypes", "1", ""),
        ("second", "prototypes", "0.5", "0"),
        ("second", "tfidf", "1", "1"),
    ]


def test_a_column_of_a_later_run_stays_behind_its_neighbour(two_runs):
    columns = list(read(export(two_runs))[0])
    place = columns.index("accuracy_high")
    assert columns[place + 1 : place + 5] == ["mcc", "mcc_low", "mcc_high", "sd_over_draws"]


def test_runs_of_one_name_are_told_apart_by_their_paths(make_run, say):
    folders = [make_run(f"{place}/run").task("ab").cell(say("ab")).write() for place in "xy"]
    assert [line["run"] for line in read(export(folders))] == [str(path) for path in folders]


def test_the_current_folder_has_a_name(two_runs, monkeypatch):
    monkeypatch.chdir(two_runs[0])
    lines = read(export([Path(), two_runs[1]]))
    assert {line["run"] for line in lines} == {"first", "second"}


def test_types_stay_when_runs_are_joined(two_runs):
    content = export(two_runs, rows="cells", format="parquet")
    frame = pd.read_parquet(io.BytesIO(content))
    assert str(frame["draw"].dtype) == "Int64"
    assert len(frame) == (1 + 2) + (1 + 1) * 2


def test_mistakes_are_named(run_dir, tmp_path):
    with pytest.raises(UserError, match="did you mean 'markdown'"):
        export([run_dir], format="markdwon")
    with pytest.raises(UserError, match="did you mean 'cells'"):
        export([run_dir], rows="cell")
    with pytest.raises(UserError, match="holds no run"):
        export([tmp_path])
    with pytest.raises(UserError, match="no run to export"):
        export([])

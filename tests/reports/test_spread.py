"""How far the first metric moves with the draw and with the prompt."""

from statistics import stdev

import pandas as pd
import pytest

from harness.reports.table import run_table, write_tables

PROMPTED = {"method": "few_shot", "model": "lm"}


def spread(run, name):
    return [None if pd.isna(value) else value for value in run_table(run.write())[name]]


def test_over_draws_it_is_that_of_their_accuracies(run_dir):
    majority, prototypes = run_table(run_dir)["sd_over_draws"]
    assert pd.isna(majority)
    assert prototypes == pytest.approx(stdev([1.0, 0.9, 0.7]))


def test_draws_that_are_alike_have_none(make_run, say):
    run = make_run().task("aabb").cell(say("aabb")).cell(say("aabb"), draw=1)
    assert spread(run, "sd_over_draws") == [0.0]


def test_draws_count_once_and_only_when_they_are_finished(make_run, say):
    run = make_run().task("aabb").cell(say("aabb"), identity="same")
    run.cell(say("aabb"), identity="same", draw=1)
    run.cell(draw=2, failure="ModelError: no memory")
    assert spread(run, "sd_over_draws") == [None]
    run.cell(say("aaaa"), draw=3)
    assert spread(run, "sd_over_draws") == pytest.approx([stdev([1.0, 0.5])])


@pytest.mark.parametrize(
    ("metrics", "values"),
    [
        (("macro_f1", "accuracy"), [1.0, 1 / 3]),
        (("f1", "accuracy"), [1.0, 0.5]),  # the first that is one number
        (("f1",), None),
        (("mcc",), None),  # undefined for one of the draws
        (("log_loss",), None),  # there are no probabilities
    ],
)
def test_it_is_of_the_tasks_first_metric(make_run, say, metrics, values):
    run = make_run().task("aabb", metrics=metrics).cell(say("aabb")).cell(say("aaaa"), draw=1)
    expected = [stdev(values)] if values else [None]
    assert spread(run, "sd_over_draws") == (pytest.approx(expected) if values else expected)


def test_a_metric_of_probabilities(make_run, say):
    run = make_run().task("aabb", metrics=("brier",))
    for draw, share in enumerate((0.6, 0.9)):
        run.cell(say("aabb", share=share), draw=draw)
    assert spread(run, "sd_over_draws") == pytest.approx([stdev([2 * 0.4**2, 2 * 0.1**2])])


def test_over_prompts_it_is_that_of_the_means_of_their_draws(make_run, say):
    run = make_run().task("aabb")
    for prompt, texts in {"p": ["aabb", "aaaa"], "q": ["abbb", "bbbb"], "r": ["bbaa"]}.items():
        for draw, text in enumerate(texts):
            run.cell(say(text), prompt=prompt, draw=draw, **PROMPTED)
    expected = stdev([0.75, 0.625, 0.0])
    assert spread(run, "sd_over_prompts") == pytest.approx([expected] * 3)


@pytest.mark.parametrize(
    "other",
    [
        {"labels": "16"},
        {"settings": "k=2"},
        {"model": "other"},
        {"method": "zero_shot"},
        {"task": "letters"},
    ],
)
def test_only_rows_that_share_all_else_are_compared(make_run, say, other):
    run = make_run().task("aabb").task("aabb", name="letters")
    run.cell(say("aabb"), prompt="p", **PROMPTED)
    run.cell(say("aaaa"), prompt="q", **PROMPTED | other)
    assert spread(run, "sd_over_prompts") == [None, None]


def test_a_prompt_without_a_finished_draw_is_left_out(make_run, say):
    run = make_run().task("aabb").cell(say("aabb"), prompt="p", **PROMPTED)
    run.cell(prompt="q", failure="ModelError: no memory", **PROMPTED)
    assert spread(run, "sd_over_prompts") == [None, None]
    run.cell(say("aaaa"), prompt="r", **PROMPTED)
    value = pytest.approx(stdev([1.0, 0.5]))
    assert spread(run, "sd_over_prompts") == [value, None, value]


def test_the_file_has_it_too(make_run, say):
    run = make_run().task("aabb").cell(say("aabb")).cell(say("aaaa"), draw=1)
    folder = run.write()
    write_tables(folder)
    header, line = (folder / "table.csv").read_text("utf-8").splitlines()
    row = dict(zip(header.split(","), line.split(","), strict=True))
    assert (row["sd_over_draws"], row["sd_over_prompts"]) == ("0.353553", "")

"""The table in a terminal."""

import re
import unicodedata

import pandas as pd
import pytest

from harness.reports.table import run_table
from harness.reports.text import harmless, plain, terminal_table

UNSAFE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


def columns_of(line):
    return sum(1 + (unicodedata.east_asian_width(sign) in "WF") for sign in line)


@pytest.fixture
def wide_run(make_run, say):
    run = make_run().task("aaaaabbbbb", majority=0.5)
    run.cell(say("aaaaabbbbb"), method="linear_probe", settings="C=1,max_iter=100")
    run.cell(say("a" * 10), method="majority", model="", labels="16/class")
    for prompt in ("customer_email_v1", "intent_v1"):
        run.cell(
            say("a" * 10),
            method="few_shot",
            settings="k=5,order=nearest",
            model="someone/smollm2-135m-instruct",
            prompt=prompt,
        )
    run.cell(method="nearest_neighbours", labels="all", failure="ModelError: no memory")
    return run.write()


def test_a_table(run_dir):
    table = run_table(run_dir)
    table.loc[1, "accuracy_low":"accuracy_high"] = [0.7, 0.98]
    table.loc[0, "accuracy_low":"accuracy_high"] = [0.2, 0.8]
    table = table.assign(seconds_per_example=[0.01234, 123.4], model=["", "minilm"])
    assert terminal_table(table, 100).split("\n") == [
        "mails, 10 test rows",
        "  method      model    labels  draws  accuracy              sd draws  macro_f1  s/row",
        "  ----------  ------  -------  -----  --------------------  --------  --------  -----",
        "  majority            8/class      1  0.500 [0.200, 0.800]            0.333     0.012",
        "  prototypes  minilm  8/class      3  0.867 [0.700, 0.980]  0.153     0.865       123",
    ]


def test_the_spread_stands_behind_its_metric_and_goes_first_where_there_is_little_room(
    make_run, say
):
    def header(table, width):
        return terminal_table(table, width).split("\n")[1].split()

    run = make_run().task("aabb", metrics=("macro_f1", "accuracy"))
    for prompt in ("intent_v1", "other_v1"):
        run.cell(say("aabb"), method="few_shot", prompt=prompt)
    table = run_table(run.write())
    assert header(table, 140)[4:] == ["accuracy", "macro_f1", "sd", "prompts", "s/row"]
    assert header(table, 95)[4:] == ["accuracy", "macro_f1", "s/row"]
    assert "sd" not in header(
        table[table["prompt"] == "intent_v1"].assign(sd_over_prompts=None), 140
    )


def test_it_fits_a_hundred_columns(wide_run):
    text = terminal_table(run_table(wide_run), 100)
    assert max(map(columns_of, text.split("\n"))) <= 100
    for shown in ("smollm2-135m-instruct", "nearest_neighbours", "max_iter=100", "(intent_v1)"):
        assert shown in text
    assert "someone/" not in text
    assert re.search(
        r"linear_probe:.*all-minilm-l6-v2 .*8/class +1 +1\.000 \[1\.000, 1\.000\]", text
    )
    assert re.search(r"1\.000 +0\.3$", text, re.MULTILINE)


@pytest.mark.parametrize("width", [70, 80, 90, 140])
def test_it_fits_other_widths_by_leaving_columns_out(make_run, say, width):
    run = make_run().task("aabb").cell(say("aabb"), settings="temperature=0.5,neighbours=25")
    text = terminal_table(run_table(run.write()), width)
    assert max(map(columns_of, text.split("\n"))) <= width
    assert "1.000 [1.000, 1.000]" in text


def test_warnings_are_marked_and_listed_below(wide_run):
    table, listed = terminal_table(run_table(wide_run), 140).split("\n\n")
    marked = [line for line in table.split("\n") if line.startswith("! ")]
    assert [line.split()[1].split(":")[0] for line in marked] == [
        "few_shot",
        "few_shot",
        "nearest_neighbours",
    ]
    assert " ".join(listed.split()) == (
        "! few_shot:k=5,order=nearest (customer_email_v1), smollm2-135m-instruct, 8/class: "
        "near chance: accuracy interval reaches the majority class (0.500) "
        "! few_shot:k=5,order=nearest (intent_v1), smollm2-135m-instruct, 8/class: near chance: "
        "accuracy interval reaches the majority class (0.500) "
        "! nearest_neighbours, all-minilm-l6-v2, all: failed: ModelError: no memory; "
        "1 of 1 draws missing"
    )


def test_a_prompt_is_shown_where_there_are_several(wide_run):
    table = run_table(wide_run)
    assert "(intent_v1)" in terminal_table(table, 140)
    assert "intent_v1" not in terminal_table(table[table["prompt"] != "customer_email_v1"], 140)


def test_wide_characters_are_aligned(make_run, say):
    run = make_run().task("ab").cell(say("ab"), model="模型").cell(say("ab"), model="abcd")
    first, second = terminal_table(run_table(run.write()), 100).split("\n")[3:5]
    assert columns_of(first[: first.index("8/class")]) == second.index("8/class")


def test_tasks_have_a_block_each(make_run, say):
    run = make_run().task("ab", name="one").task("aabb", name="two")
    folder = run.cell(say("ab"), task="one").cell(say("aabb"), task="two").write()
    text = terminal_table(run_table(folder), 100)
    titles = [line for line in text.split("\n") if line.endswith("test rows")]
    assert titles == ["one, 2 test rows", "two, 4 test rows"]


def test_other_metrics_stand_in_for_the_usual_two(make_run, say):
    run = make_run().task("aabb", metrics=("mcc", "balanced_accuracy", "f1")).cell(say("aabb"))
    header = terminal_table(run_table(run.write()), 100).split("\n")[1]
    assert "mcc" in header
    assert "balanced_accuracy" in header
    assert " f1" not in header


def test_data_cannot_reach_the_terminal(make_run, say):
    nasty = "\x1b[31mred\x1b]0;title\x07\x9b2J\r\n\u202egnp\u2069\u200b"
    run = make_run().task("ab", name="mails")
    for predictions in (say("ab"), None):
        run.cell(
            predictions,
            method="few_shot",
            settings=nasty,
            model=nasty,
            prompt=nasty + str(len(run.cells)),
            labels=nasty,
            notes=(nasty,),
            failure=None if predictions else nasty,
        )
    for width in (30, 100, 300):
        text = terminal_table(run_table(run.write()), width)
        assert not UNSAFE.search(text)
        assert "[31mred" in text


def test_plain_keeps_what_can_be_read():
    assert plain("schön  日本語\t🎉\n") == "schön 日本語 🎉"


def test_a_run_without_rows(make_run):
    frame = run_table(make_run().task("ab").write())
    assert isinstance(frame, pd.DataFrame)
    assert terminal_table(frame, 100) == "no rows"


def test_harmless_text_keeps_its_lines_and_spaces():
    assert harmless("a:\n    b\tc\x1b[31m\u202ed\r\n") == "a:\n    b\tc [31m d \n"

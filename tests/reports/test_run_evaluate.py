"""From a run's folder to estimates."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score, log_loss, matthews_corrcoef

from harness.core.errors import DataError, UserError
from harness.core.types import Estimate, Prediction
from harness.metrics import metrics_for
from harness.metrics.evaluate import estimates
from harness.metrics.scored import Scored
from harness.reports.evaluate import RunReader, metrics_of


def only_group(run_dir):
    (group,) = RunReader(run_dir).groups()
    return group


def test_values_are_scikit_learns_mean_over_the_draws(make_run, say):
    gold = "aabbabbaab"
    texts = ["aabbabbaaa", "abbbaabaab"]
    run = make_run().task(gold)
    for draw, text in enumerate(texts):
        run.cell(say(text, share=0.8), draw=draw)
    found = only_group(run.write()).estimates
    right = list(gold)

    def mean(metric):
        return np.mean([metric(right, list(text)) for text in texts])

    assert found["accuracy"].value == pytest.approx(mean(accuracy_score))
    assert found["mcc"].value == pytest.approx(mean(matthews_corrcoef))
    macro = mean(lambda gold, made: f1_score(gold, made, average="macro"))
    assert found["macro_f1"].value == pytest.approx(macro)
    for place, label in enumerate("ab"):
        f1 = mean(lambda gold, made, at=place: f1_score(gold, made, average=None)[at])
        assert found["f1"][label].value == pytest.approx(f1)
    shares = [[[0.8, 0.2] if made == "a" else [0.2, 0.8] for made in text] for text in texts]
    loss = np.mean([log_loss(right, rows, labels=["a", "b"]) for rows in shares])
    assert found["log_loss"].value == pytest.approx(loss)


def test_the_bootstrap_takes_the_runs_seed(make_run, say):
    run = make_run().task("aabbabbaab").cell(say("aabbabbaaa"))
    scored = Scored.from_predictions("ab", "aabbabbaab", say("aabbabbaaa"))
    metrics = [entry.load()() for entry in metrics_for("single_label", scope=False)]
    for seed in (3, 4):
        assert only_group(run.write(seed=seed)).estimates == estimates(metrics, [scored], seed=seed)


def test_rows_out_of_scope_are_counted_and_left_out(make_run, say):
    run = make_run().task(["a", "b", "oos", "a", "oos"], out_of_scope="oos")
    group = only_group(run.cell(say("ababa")).write())
    assert group.out_of_scope_rows == 2
    assert group.estimates["accuracy"].value == pytest.approx(2 / 3)
    assert list(group.estimates["f1"]) == ["a", "b"]


def test_rows_without_an_answer_are_wrong_and_counted_apart(make_run, say):
    group = only_group(make_run().task("aabbb").cell(say("a??b!")).write())
    (cell,) = group.cells
    assert (cell.unread, cell.failed_requests) == (2, 1)
    assert group.estimates["accuracy"].value == pytest.approx(2 / 5)


def test_an_answer_missing_for_no_given_reason_is_unread(make_run):
    silent = [Prediction(None)] * 2
    (cell,) = only_group(make_run().task("ab").cell(silent).write()).cells
    assert (cell.unread, cell.failed_requests) == (2, 0)


def test_predictions_are_matched_by_row_not_by_place(make_run, say):
    run = make_run().task("aabb").cell(say("aabb"))
    run.write()
    run.examples["mails"].reverse()
    assert only_group(run.write()).estimates["accuracy"].value == 1.0


def test_a_task_names_its_metrics_else_all_that_fit(make_run):
    run = make_run().task("ab", name="some", metrics=("mcc", "f1")).task("ab", name="all")
    assert [entry.name for entry in metrics_of(run.tasks["some"])] == ["mcc", "f1"]
    assert metrics_of(run.tasks["all"]) == metrics_for("single_label", scope=False)


def test_a_metric_that_does_not_exist_says_so(make_run):
    run = make_run().task("ab", metrics=("acuracy",))
    with pytest.raises(UserError, match="did you mean 'accuracy'"):
        metrics_of(run.tasks["mails"])


def test_draws_that_share_an_identity_count_once(make_run, say):
    run = make_run().task("aabb")
    for draw in range(3):
        run.cell(say("aabb"), identity="same", draw=draw)
    run.cell(say("bbaa"), identity="other", draw=3)
    group = only_group(run.write())
    assert [cell.row.draw for cell in group.cells] == [0, 3]
    assert group.expected == 2
    assert group.estimates["accuracy"].value == pytest.approx(0.5)


def test_missing_and_failed_cells_are_skipped(make_run, say):
    run = make_run().task("aabb").cell(say("aabb"), draw=0).cell(draw=1)
    run.cell(draw=2, failure="out of memory")
    group = only_group(run.write())
    assert [cell.row.draw for cell in group.cells] == [0]
    assert group.expected == 3
    assert group.failures == ("out of memory",)
    assert group.estimates["accuracy"] == Estimate(1.0, 1.0, 1.0)


def test_what_another_process_finished_has_not_failed(make_run, say):
    run = make_run().task("aabb").cell(say("aabb"), failure="out of memory")
    group = only_group(run.write())
    assert (len(group.cells), group.failures) == (1, ())


def test_with_no_finished_cell_nothing_is_read(make_run):
    group = only_group(make_run().task("aabb").cell().write())
    assert (group.cells, group.estimates, group.out_of_scope_rows) == ((), {}, None)


def test_a_draws_own_estimate_has_its_own_value(run_dir):
    _, group = RunReader(run_dir).groups()
    values = [group.cell_estimates(cell)["accuracy"].value for cell in group.cells]
    assert values == pytest.approx([1.0, 0.9, 0.7])


def test_files_that_do_not_belong_together_are_refused(make_run, say, tmp_path):
    run = make_run().task("aabb").cell(say("aabb"))
    run.write()
    with pytest.raises(DataError, match="not of the task's test rows"):
        only_group(run.task("aabba").write())
    with pytest.raises(DataError, match="expected labels out of"):
        only_group(run.task("aabb", labels=("b", "c")).write())
    (tmp_path / "run" / "examples" / "mails.parquet").unlink()
    with pytest.raises(DataError, match=r"mails\.parquet: .* missing or damaged"):
        only_group(run.run_dir)
    with pytest.raises(UserError, match="holds no run"):
        RunReader(tmp_path)


def cut(path):
    path.write_bytes(path.read_bytes()[:-30])


@pytest.mark.parametrize("damage", [
    cut,
    lambda path: path.write_bytes(b""),
    lambda path: path.write_text("[1"),
    lambda path: path.write_text("[1]"),
    lambda path: path.write_text("{}"),
    lambda path: path.unlink(),
])  # fmt: skip
@pytest.mark.parametrize(
    ("file", "delete"),
    [
        ("cells/cell0/predictions.parquet", "cells/cell0"),
        ("cells/cell0/costs.json", "cells/cell0"),
        ("examples/mails.parquet", "examples/mails.parquet"),
    ],
)
def test_a_damaged_file_is_named_with_what_to_do(run_dir, file, delete, damage):
    damage(run_dir / file)
    with pytest.raises(DataError) as caught:
        list(RunReader(run_dir).groups())
    assert str(caught.value).startswith(f"{run_dir / file}: ")
    assert f"delete {run_dir / delete} and run the same command again" in str(caught.value)


def test_columns_that_are_missing_are_named(run_dir):
    pd.DataFrame({"row": [1]}).to_parquet(run_dir / "cells/cell0/predictions.parquet")
    with pytest.raises(DataError, match="no column output, outputs, failure, probabilities"):
        list(RunReader(run_dir).groups())

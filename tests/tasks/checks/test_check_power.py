"""The smallest difference that a test set shows: against published numbers and a simulation."""

import math

import numpy as np
import pytest

from harness.tasks.checks.power import DISAGREEMENT, check_power, detectable, rows_needed


@pytest.mark.parametrize(
    ("one_way", "other_way", "pairs"),
    [
        # The worked example of a published calculator for McNemar's test, two-sided.
        (0.45, 0.05, 23),
        # The worked example of one for clinical trials; both name Connor 1987.
        (0.30, 0.15, 155),
    ],
)
def test_as_published(one_way, other_way, pairs):
    needed = rows_needed(one_way - other_way, one_way + other_way)
    assert math.ceil(needed) == pairs


@pytest.mark.parametrize(
    # With some 15 rows of disagreement the formula errs, on the safe side.
    ("rows", "least", "most"),
    [(100, 0.79, 0.85), (300, 0.78, 0.82), (3_000, 0.78, 0.82)],
)
def test_the_difference_is_seen_in_four_of_five_simulated_experiments(rows, least, most):
    difference = detectable(rows)
    share = max(DISAGREEMENT, difference)
    better, worse = (share + difference) / 2, (share - difference) / 2
    generator = np.random.default_rng(0)
    counts = generator.multinomial(rows, [better, worse, 1 - share], size=20_000)
    gained, lost = counts[:, 0], counts[:, 1]
    statistic = (gained - lost) ** 2 / np.maximum(gained + lost, 1)
    seen = (statistic > 3.841459).mean()  # the 95 % point of chi-squared with one degree
    assert least < seen < most


def test_more_rows_show_less():
    differences = [detectable(rows) for rows in (4, 10, 30, 100, 300, 1_000, 10_000)]
    assert differences == sorted(differences, reverse=True)
    assert differences[-1] < 0.012
    assert rows_needed(detectable(300)) == pytest.approx(300, rel=1e-3)
    assert detectable(3) is None


def test_what_is_said(make, said):
    task = make([("x", "a"), ("y", "b")], [(f"t{n}", "ab"[n % 2]) for n in range(300)])
    (message,) = said(check_power(task), "note")
    assert message.startswith(
        "with 300 test rows a difference of about 6.2 points in accuracy can be seen"
    )
    assert "80 %" in message
    assert "15 % of the rows" in message
    (message,) = said(check_power(make([("x", "a"), ("y", "b")], [("z", "a")])))
    assert message == "1 test rows can show no difference between two methods"
    rows = [{"text": f"t{n}", "label": "x"} for n in range(50)]
    task = make(rows, rows, kind="generation", source={"answer": "label"})
    assert "points in exact match" in said(check_power(task))[0]

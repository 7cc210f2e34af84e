"""The bootstrap against closed forms, and its promise of equal resamples for all methods."""

import numpy as np
import pytest

from harness.core.types import Estimate
from harness.stats import bootstrap
from harness.stats.bootstrap import draw_picks, estimate, resample, row_weights
from harness.stats.intervals import wilson_interval


def weights(rows, replicates, seed=0):
    return np.concatenate(list(row_weights(rows, replicates=replicates, seed=seed)))


def column(values):
    """A statistic and the count of rows: their ratio is the mean."""
    values = np.asarray(values, dtype=float)
    return np.stack([values, np.ones_like(values)], axis=1)


def mean(totals):
    return totals[..., 0] / totals[..., 1]


def test_weights_are_multinomial_counts():
    rows, replicates = 6, 40_000
    counts = weights(rows, replicates)
    assert counts.shape == (replicates, rows)
    assert (counts.sum(axis=1) == rows).all()
    assert counts.mean(axis=0) == pytest.approx(np.ones(rows), abs=0.02)
    covariance = np.eye(rows) - 1 / rows
    assert np.cov(counts.T) == pytest.approx(covariance * np.ones((rows, rows)), abs=0.03)


def test_weights_stay_what_they_were():
    # Written down from the first version: raw PCG64 output is kept by every numpy.
    assert weights(5, 3, seed=0).tolist() == [
        [0.0, 0.0, 3.0, 2.0, 0.0],
        [1.0, 2.0, 1.0, 0.0, 1.0],
        [3.0, 0.0, 1.0, 1.0, 0.0],
    ]
    assert draw_picks(3, replicates=3, seed=0).tolist() == [[1, 1, 1], [2, 1, 1], [2, 0, 1]]


def test_weights_depend_on_rows_and_seed_only(monkeypatch):
    whole = weights(50, 40, seed=3)
    assert not np.array_equal(whole, weights(50, 40, seed=4))
    assert np.array_equal(whole[:7], weights(50, 7, seed=3))
    monkeypatch.setattr(bootstrap, "BLOCK_BYTES", 50 * 8 * 6)
    blocks = list(row_weights(50, replicates=40, seed=3))
    assert [len(block) for block in blocks] == [6, 6, 6, 6, 6, 6, 4]
    assert np.array_equal(whole, np.concatenate(blocks))


def test_blocks_are_bounded():
    sizes = [block.nbytes for block in row_weights(40_000, replicates=150, seed=0)]
    assert len(sizes) > 1
    assert max(sizes) <= 32 * 2**20


def test_two_methods_meet_the_same_resamples():
    generator = np.random.default_rng(0)
    shared = generator.random((30, 2))
    one = resample([shared], replicates=20, seed=5)
    other = resample(
        [np.hstack([generator.random((30, 4)), shared])] + [generator.random((30, 6))] * 2,
        replicates=20,
        seed=5,
    )
    assert one.totals[:, 0] == pytest.approx(other.columns(slice(4, 6)).totals[:, 0])


def test_totals_are_sums_over_the_rows_resampled():
    statistics = [np.random.default_rng(seed).random((9, 3)) for seed in (1, 2)]
    found = resample(statistics, replicates=4, seed=0)
    for replicate, counts in enumerate(weights(9, 4).astype(int)):
        rows = np.repeat(np.arange(9), counts)
        for draw in (0, 1):
            assert found.totals[replicate, draw] == pytest.approx(
                statistics[draw][rows].sum(axis=0)
            )
    assert found.observed == pytest.approx(np.array([s.sum(axis=0) for s in statistics]))


def test_same_seed_same_numbers():
    statistics = [column(np.random.default_rng(0).random(40))]
    first, again, other = (
        estimate(resample(statistics, replicates=200, seed=seed), mean) for seed in (1, 1, 2)
    )
    assert first == again
    assert first[0].value == other[0].value
    assert first != other


@pytest.mark.parametrize(("rows", "share"), [(200, 0.8), (1000, 0.35)])
def test_standard_error_of_a_proportion(rows, share):
    right = np.arange(rows) < rows * share
    values = resample([column(right)], replicates=4000, seed=0).values(mean)
    assert values.std() == pytest.approx(np.sqrt(share * (1 - share) / rows), rel=0.04)
    assert values.mean() == pytest.approx(share, abs=0.002)


def test_interval_of_a_proportion_is_near_the_score_interval():
    found = estimate(resample([column(np.arange(400) < 300)], replicates=4000, seed=0), mean)[0]
    expected = wilson_interval(300, 400)
    assert found.value == 0.75
    assert found.low == pytest.approx(expected.low, abs=0.006)
    assert found.high == pytest.approx(expected.high, abs=0.006)


@pytest.mark.parametrize("draws", [2, 5])
def test_variance_of_a_mean_over_draws(draws):
    """Rows and draws resampled as crossed factors: the parts of the variance add up."""
    generator = np.random.default_rng(7)
    rows = 60
    values = (
        generator.normal(size=(rows, 1))
        + 0.3 * generator.normal(size=(1, draws))
        + generator.normal(size=(rows, draws))
    )
    row_part = values.mean(axis=1, keepdims=True) - values.mean()
    draw_part = values.mean(axis=0, keepdims=True) - values.mean()
    rest = values - values.mean() - row_part - draw_part
    expected = (
        (row_part**2).mean() / rows
        + (draw_part**2).mean() / draws
        + (rest**2).mean() / (rows * draws)
    )
    replicates = resample(
        [column(values[:, draw]) for draw in range(draws)], replicates=8000, seed=0
    ).values(mean)
    assert replicates.var() == pytest.approx(expected, rel=0.06)


def test_one_draw_repeated_is_as_sure_as_one_draw():
    statistics = column(np.random.default_rng(0).random(50))
    one = resample([statistics], replicates=300, seed=0)
    three = resample([statistics] * 3, replicates=300, seed=0)
    assert one.values(mean) == pytest.approx(three.values(mean))


def test_interval_covers_the_truth_as_often_as_it_says():
    generator = np.random.default_rng(11)
    truth, covered = 0.7, 0
    for seed in range(200):
        right = generator.random(150) < truth
        found = estimate(resample([column(right)], replicates=500, seed=seed), mean)[0]
        covered += found.low <= truth <= found.high
    assert 0.90 <= covered / 200 <= 0.98


def test_several_figures_give_an_estimate_each():
    statistics = [np.array([[1.0, 0.0], [3.0, 0.0]]), np.array([[5.0, 0.0], [7.0, 2.0]])]
    found = estimate(resample(statistics, replicates=50, seed=0), lambda totals: totals / 2)
    assert [one.value for one in found] == [4.0, 0.5]
    assert all(one.low <= one.value <= one.high for one in found)


def test_a_figure_undefined_for_a_draw_is_undefined():
    def undefined_at_zero(totals):
        return np.where(totals[..., 0] == 0, np.nan, 1.0)

    defined, undefined = np.ones((4, 1)), np.zeros((4, 1))
    both = resample([defined, undefined], replicates=50, seed=0)
    assert estimate(both, undefined_at_zero) == [Estimate(None, None, None)]


def test_a_figure_undefined_in_many_replicates_has_no_interval():
    def undefined_at_zero(totals):
        return np.where(totals[..., 0] == 0, np.nan, totals[..., 0])

    rare = np.zeros((30, 1))
    rare[:2] = 1  # missing from (28/30)**30 = 13 % of the resamples
    found = estimate(resample([rare], replicates=1000, seed=0), undefined_at_zero)
    assert found == [Estimate(2.0, None, None)]


def test_no_rows_give_zero_totals():
    found = resample([np.empty((0, 2))], replicates=3, seed=0)
    assert (found.totals == 0).all()
    assert found.totals.shape == (3, 1, 2)


@pytest.mark.parametrize(
    ("statistics", "replicates"),
    [([], 5), ([np.zeros((3, 1)), np.zeros((4, 1))], 5), ([np.zeros((3, 1))], 0)],
)
def test_what_cannot_be_resampled_is_refused(statistics, replicates):
    with pytest.raises(ValueError, match="expected"):
        resample(statistics, replicates=replicates, seed=0)

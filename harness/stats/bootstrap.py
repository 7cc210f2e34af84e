"""One bootstrap for every number: resample test rows and draws together, add up, aggregate.

A figure is a function of totals: sums over the test rows of some statistics of each row. A
resample of the rows is a vector of counts, so the totals of all resamples are one matrix product,
``counts @ statistics``, and any number of figures share it.

Rows and draws are resampled as two crossed factors: a replicate counts the test rows once for all
draws, because every draw is tested on the same rows, and picks as many draws as there are, with
replacement (McCullagh 2000, Resampling and exchangeable arrays; Owen 2007, The pigeonhole
bootstrap). Two limits are known. The variance between ``m`` draws is seen (m - 1) / m times too
small, as with any bootstrap of a mean; with one draw it is not seen at all. What is peculiar to
one row in one draw is counted up to three times, so where neither rows nor draws matter the
interval is too wide.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from harness.core.types import Estimate
from harness.stats.intervals import FloatArray, percentile_interval

IndexArray = npt.NDArray[np.int64]
Aggregate = Callable[[FloatArray], FloatArray]
"""Totals ``[..., k]`` to one figure each, ``[...]``, or to several, ``[..., figures]``."""

BLOCK_BYTES = 32 * 2**20


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Resampled:
    """The totals of some statistics: observed, and in every replicate.

    Attributes:
        observed: Sums over the rows. Shape: [draws, k].
        totals: Sums over the rows of each replicate. Shape: [replicates, draws, k].
        picks: Which draws a replicate averages over. Shape: [replicates, draws].
    """

    observed: FloatArray
    totals: FloatArray
    picks: IndexArray

    def columns(self, span: slice) -> Resampled:
        """Returns the same resamples of some of the statistics only."""
        return dataclasses.replace(
            self, observed=self.observed[..., span], totals=self.totals[..., span]
        )

    def values(self, aggregate: Aggregate) -> FloatArray:
        """Returns the mean over the draws of a figure, in every replicate.

        Two methods resampled with the same rows and seed can be compared replicate by replicate.

        Shape: [replicates], or [replicates, figures] where ``aggregate`` gives several. NaN where
        the figure is undefined for one of the draws picked.
        """
        by_draw = aggregate(self.totals)
        replicate = np.arange(len(self.picks))[:, None]
        return np.asarray(by_draw[replicate, self.picks].mean(axis=1), dtype=np.float64)


def row_weights(rows: int, *, replicates: int, seed: int) -> Iterator[FloatArray]:
    """Yields how often each row stands in each replicate, some replicates at a time.

    The counts depend on the number of rows and the seed alone, so every method tested on the same
    rows meets the same resamples. They come from the raw stream of PCG64, which numpy promises to
    keep (NEP 19), unlike the distributions built on it.

    Yields:
        Counts; every line adds up to ``rows``. Shape: [block, rows], at most 32 MiB (or one line).

    Raises:
        ValueError: ``rows`` or ``seed`` is negative, or there are no replicates.
    """
    _check_sizes(rows, replicates)
    source = np.random.PCG64(_seeds(seed)[0])
    block = max(1, BLOCK_BYTES // (8 * max(rows, 1)))
    for start in range(0, replicates, block):
        size = min(block, replicates - start)
        chosen = _indices(source, rows, (size, rows)) + rows * np.arange(size)[:, None]
        counts = np.bincount(chosen.ravel(), minlength=size * rows)
        yield counts.reshape(size, rows).astype(np.float64)


def draw_picks(draws: int, *, replicates: int, seed: int) -> IndexArray:
    """Returns the draws that each replicate averages over: as many as there are, with repeats.

    Shape: [replicates, draws].

    Raises:
        ValueError: There are no draws or no replicates, or ``seed`` is negative.
    """
    _check_sizes(draws, replicates)
    if draws == 0:
        raise ValueError("expected at least one draw, got none")
    return _indices(np.random.PCG64(_seeds(seed)[1]), draws, (replicates, draws))


def resample(statistics: Sequence[FloatArray], *, replicates: int, seed: int) -> Resampled:
    """Returns the totals of per-row statistics in every replicate.

    Args:
        statistics: One array a draw, over the same rows; statistics of several figures can stand
            side by side, see :meth:`Resampled.columns`. Shape of each: [rows, k].
        replicates: How many resamples to draw.
        seed: Picks the resamples; not negative.

    Raises:
        ValueError: There are no draws, or their shapes differ.
    """
    shapes = {array.shape for array in statistics}
    if len(shapes) != 1:
        raise ValueError(f"expected one shape [rows, k] for all draws, got {sorted(shapes)}")
    rows, width = shapes.pop()
    totals = np.empty((replicates, len(statistics), width))
    start = 0
    for weights in row_weights(rows, replicates=replicates, seed=seed):
        block = slice(start, start + len(weights))
        for draw, array in enumerate(statistics):
            totals[block, draw] = weights @ array
        start = block.stop
    return Resampled(
        observed=np.stack([array.sum(axis=0) for array in statistics]),
        totals=totals,
        picks=draw_picks(len(statistics), replicates=replicates, seed=seed),
    )


def estimate(resampled: Resampled, aggregate: Aggregate, *, level: float = 0.95) -> list[Estimate]:
    """Returns the mean over the draws with its percentile interval, for each figure.

    A figure that is undefined for a draw is undefined for their mean: averaging the others would
    leave out just the draws that went wrong. Where a figure is defined but more than a tenth of
    its replicates are not (a class with two rows is missing from 13 % of the resamples), the
    estimate has a value and no interval.

    Args:
        resampled: The totals.
        aggregate: What makes a figure, or several, of totals.
        level: The share of the replicates inside the interval.

    Returns:
        One estimate where ``aggregate`` gives one figure; else one a figure, in its order.
    """
    values = np.atleast_1d(aggregate(resampled.observed).mean(axis=0))
    replicates = resampled.values(aggregate).reshape(len(resampled.picks), len(values))
    return [
        Estimate(None, None, None)
        if np.isnan(value)
        else Estimate(float(value), *percentile_interval(column, level=level))
        for value, column in zip(values, replicates.T, strict=True)
    ]


def _indices(source: np.random.PCG64, count: int, shape: tuple[int, int]) -> IndexArray:
    # The remainder favours low numbers by less than count / 2**64.
    raw = source.random_raw(shape[0] * shape[1]).reshape(shape)
    return np.asarray(raw % np.uint64(max(count, 1)), dtype=np.int64)


def _seeds(seed: int) -> list[np.random.SeedSequence]:
    """Returns one seed for rows and one for draws: neither moves when the other's size changes."""
    return np.random.SeedSequence(seed).spawn(2)


def _check_sizes(count: int, replicates: int) -> None:
    if count < 0 or replicates < 1:
        raise ValueError(f"expected at least one replicate, got {replicates} of {count} things")

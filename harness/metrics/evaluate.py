"""Predictions in, estimates out: every metric of a row of a table from one bootstrap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.core.types import Estimate
from harness.metrics.base import Metric, Scored
from harness.stats.bootstrap import estimate, resample
from harness.stats.intervals import FloatArray

ClassEstimates = dict[str, Estimate]
UNDEFINED = Estimate(None, None, None)


def estimates(
    metrics: Sequence[Metric],
    draws: Sequence[Scored],
    *,
    seed: int = 0,
    replicates: int = 1000,
    level: float = 0.95,
) -> dict[str, Estimate | ClassEstimates]:
    """Returns each metric's mean over the draws with its interval, by the metric's name.

    A metric that is per class gives an estimate a label. One that needs probabilities is undefined
    when a draw has none.

    Args:
        metrics: What to compute.
        draws: The predictions of each draw, for the same test rows.
        seed: Picks the resamples; equal for all methods that are compared.
        replicates: How many resamples of test rows and draws to make.
        level: The share of the replicates inside an interval.

    Raises:
        ValueError: There are no draws, or their labels or right answers differ.
    """
    _check_same_rows(draws)
    labels = draws[0].labels
    scored = all(draw.probabilities is not None for draw in draws)
    possible = [metric for metric in metrics if scored or not metric.needs_probabilities]
    matrices, spans = _side_by_side(possible, draws)
    resampled = resample(matrices, replicates=replicates, seed=seed)
    found = {
        metric.name: estimate(resampled.columns(span), metric.aggregate, level=level)
        for metric, span in zip(possible, spans, strict=True)
    }
    results: dict[str, Estimate | ClassEstimates] = {}
    for metric in metrics:
        values = found.get(metric.name, [UNDEFINED] * len(labels))
        results[metric.name] = (
            dict(zip(labels, values, strict=True)) if metric.per_class else values[0]
        )
    return results


def _side_by_side(
    metrics: Sequence[Metric], draws: Sequence[Scored]
) -> tuple[list[FloatArray], list[slice]]:
    """Returns one matrix of statistics a draw, and the columns of each metric in it.

    Metrics that give the very same array (:attr:`Scored.class_counts`) share its columns.
    """
    parts: list[list[FloatArray]] = []
    spans: list[slice] = []
    known: dict[tuple[int, ...], slice] = {}
    width = 0
    for metric in metrics:
        arrays = [metric.statistics(draw) for draw in draws]
        key = tuple(map(id, arrays))
        if key not in known:
            known[key] = slice(width, width + arrays[0].shape[1])
            width = known[key].stop
            parts.append(arrays)
        spans.append(known[key])
    nothing = [np.empty((len(draws[0].gold), 0))]
    return [np.hstack(nothing + [arrays[d] for arrays in parts]) for d in range(len(draws))], spans


def _check_same_rows(draws: Sequence[Scored]) -> None:
    if not draws:
        raise ValueError("expected at least one draw, got none")
    first = draws[0]
    for draw in draws[1:]:
        if draw.labels != first.labels or not np.array_equal(draw.gold, first.gold):
            raise ValueError("expected the same labels and test rows in every draw")

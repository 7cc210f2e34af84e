"""Predictions in, estimates out: every metric of a row of a table from one bootstrap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.core.types import Estimate, Example, Prediction
from harness.metrics.base import Metric, S, ScoredRows
from harness.metrics.scored import Scored, ScoredSets, ScoredTexts
from harness.stats.bootstrap import estimate, resample
from harness.stats.intervals import FloatArray
from harness.tasks.kinds import KINDS

ClassEstimates = dict[str, Estimate]
UNDEFINED = Estimate(None, None, None)


def score(
    kind: str,
    labels: Sequence[str],
    examples: Sequence[Example],
    predictions: Sequence[Prediction],
    *,
    out_of_scope: str | None = None,
) -> Scored | ScoredSets | ScoredTexts:
    """Returns the rows in scope as the metrics of a task kind take them.

    Args:
        kind: The name of the task kind.
        labels: The task's labels, in its order; none where rows are answered with a text.
        examples: The test rows, with their targets.
        predictions: What the method said about each.
        out_of_scope: The label of the rows to leave out.

    Raises:
        UserError: There is no such task kind.
        ValueError: Targets or outputs are not what the kind has, or the lengths differ.
    """
    pairs = [
        (example.target, made)
        for example, made in zip(examples, predictions, strict=True)
        if out_of_scope is None or example.target != out_of_scope
    ]
    golds: list[Any] = [gold for gold, _ in pairs]
    given = [made for _, made in pairs]
    answer = KINDS.get(kind).answer
    expected = str if answer in ("label", "choice") else tuple
    if wrong := [gold for gold in golds if not isinstance(gold, expected)]:
        raise ValueError(f"expected targets of the kind {kind}, got {wrong[0]!r}")
    if answer == "text":
        return ScoredTexts.from_predictions(golds, given)
    if answer == "labels":
        return ScoredSets.from_predictions(labels, golds, given)
    return Scored.from_predictions(labels, golds, given, out_of_scope=out_of_scope)


def estimates(
    metrics: Sequence[Metric[S]],
    draws: Sequence[S],
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
    scored = all(draw.has_probabilities for draw in draws)
    possible = [metric for metric in metrics if scored or not metric.needs_probabilities]
    matrices, spans = _side_by_side(possible, draws)
    resampled = resample(matrices, replicates=replicates, seed=seed)
    found = {
        metric.name: estimate(resampled.columns(span), metric.aggregate, level=level)
        for metric, span in zip(possible, spans, strict=True)
    }
    results: dict[str, Estimate | ClassEstimates] = {}
    for metric in metrics:
        values = found.get(metric.name, [UNDEFINED] * (len(labels) if metric.per_class else 1))
        results[metric.name] = (
            dict(zip(labels, values, strict=True)) if metric.per_class else values[0]
        )
    return results


def _side_by_side(
    metrics: Sequence[Metric[S]], draws: Sequence[S]
) -> tuple[list[FloatArray], list[slice]]:
    """Returns one matrix of statistics a draw, and the columns of each metric in it.

    Metrics that give the very same array (``class_counts``) share its columns.
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
    nothing = [np.empty((draws[0].rows, 0))]
    return [np.hstack(nothing + [arrays[d] for arrays in parts]) for d in range(len(draws))], spans


def _check_same_rows(draws: Sequence[ScoredRows]) -> None:
    if not draws:
        raise ValueError("expected at least one draw, got none")
    if not all(draws[0].same_rows(draw) for draw in draws[1:]):
        raise ValueError("expected the same labels and test rows in every draw")

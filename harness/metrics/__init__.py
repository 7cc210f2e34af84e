"""Metrics: per-example statistics that add up, and a pure function of their totals."""

from __future__ import annotations

import dataclasses

from harness.core.errors import UserError
from harness.core.registry import Entry, Registry
from harness.tasks.kinds import kinds_answered_by

CLASSES = kinds_answered_by("label")
ONE_RIGHT = kinds_answered_by("label", "choice")
SETS = kinds_answered_by("labels")
TEXTS = kinds_answered_by("text")


@dataclasses.dataclass(frozen=True, slots=True)
class MetricEntry(Entry):
    """One line of the table of metrics.

    Attributes:
        higher_is_better: Which way is better; None where neither is.
        needs_probabilities: Whether it is undefined for a method that gives labels only.
        per_class: Whether it gives a number for each label.
        scope: Whether it is about telling rows out of scope, which only some tasks have; it sees
            all test rows.
        kinds: The task kinds it is for. The first metric of the table that is for a kind is the
            one that its tasks are compared by, where they name none.
    """

    higher_is_better: bool | None = True
    needs_probabilities: bool = False
    per_class: bool = False
    scope: bool = False
    kinds: tuple[str, ...] = CLASSES


METRICS: Registry[MetricEntry] = Registry(
    "metric",
    [
        MetricEntry(
            "accuracy",
            "harness.metrics.accuracy:Accuracy",
            "share of the rows answered rightly",
            kinds=ONE_RIGHT,
        ),
        MetricEntry(
            "micro_f1",
            "harness.metrics.f1:MicroF1",
            "F1 of all rows and labels pooled",
            kinds=SETS,
        ),
        MetricEntry(
            "exact_match",
            "harness.metrics.answers:ExactMatch",
            "share of the answers that have the very words of a right one",
            kinds=TEXTS,
        ),
        MetricEntry(
            "token_f1",
            "harness.metrics.answers:TokenF1",
            "mean F1 of the words of answer and right answer",
            kinds=TEXTS,
        ),
        MetricEntry(
            "mean_absolute_error",
            "harness.metrics.order:MeanAbsoluteError",
            "mean distance from the right label, in steps between labels",
            higher_is_better=False,
            kinds=("ordinal",),
        ),
        MetricEntry(
            "quadratic_kappa",
            "harness.metrics.order:QuadraticKappa",
            "agreement of ordered labels, 0 by chance",
            kinds=("ordinal",),
        ),
        MetricEntry(
            "balanced_accuracy",
            "harness.metrics.accuracy:BalancedAccuracy",
            "mean recall of the classes",
        ),
        MetricEntry(
            "macro_f1",
            "harness.metrics.f1:MacroF1",
            "mean F1 of the classes",
            kinds=(*CLASSES, *SETS),
        ),
        MetricEntry(
            "sample_f1",
            "harness.metrics.label_sets:SampleF1",
            "mean over the rows of the F1 of their labels",
            kinds=SETS,
        ),
        MetricEntry(
            "subset_accuracy",
            "harness.metrics.label_sets:SubsetAccuracy",
            "share of the rows whose labels are all right",
            kinds=SETS,
        ),
        MetricEntry(
            "hamming_loss",
            "harness.metrics.label_sets:HammingLoss",
            "share of rows and labels that are missing or too many",
            higher_is_better=False,
            kinds=SETS,
        ),
        MetricEntry(
            "precision",
            "harness.metrics.f1:Precision",
            "of the rows given a label, the share that has it",
            per_class=True,
            kinds=(*CLASSES, *SETS),
        ),
        MetricEntry(
            "recall",
            "harness.metrics.f1:Recall",
            "of the rows that have a label, the share given it",
            per_class=True,
            kinds=(*CLASSES, *SETS),
        ),
        MetricEntry(
            "f1",
            "harness.metrics.f1:F1",
            "harmonic mean of precision and recall",
            per_class=True,
            kinds=(*CLASSES, *SETS),
        ),
        MetricEntry(
            "mcc",
            "harness.metrics.correlation:MatthewsCorrelation",
            "correlation of right and given labels, 0 by chance",
        ),
        MetricEntry(
            "log_loss",
            "harness.metrics.probability:LogLoss",
            "mean negative log-probability of the right label, in nats",
            higher_is_better=False,
            needs_probabilities=True,
            kinds=ONE_RIGHT,
        ),
        MetricEntry(
            "brier",
            "harness.metrics.probability:Brier",
            "mean squared distance of the probabilities from the right answer, 0 to 2",
            higher_is_better=False,
            needs_probabilities=True,
            kinds=ONE_RIGHT,
        ),
        MetricEntry(
            "ece",
            "harness.metrics.calibration:ExpectedCalibrationError",
            "how far confidence is from accuracy, over 15 bins of confidence",
            higher_is_better=False,
            needs_probabilities=True,
            kinds=ONE_RIGHT,
        ),
        MetricEntry(
            "answered_exact_match",
            "harness.metrics.answers:AnsweredExactMatch",
            "exact match over the rows that have something to find",
            kinds=("extraction",),
        ),
        MetricEntry(
            "answered_token_f1",
            "harness.metrics.answers:AnsweredTokenF1",
            "token F1 over the rows that have something to find",
            kinds=("extraction",),
        ),
        MetricEntry(
            "chrf",
            "harness.metrics.chrf:ChrF",
            "overlap of characters with the right answer, recall counting double",
            kinds=("generation",),
        ),
        MetricEntry(
            "out_of_scope_recall",
            "harness.metrics.scope:OutOfScopeRecall",
            "of the rows out of scope, the share rejected",
            scope=True,
        ),
        MetricEntry(
            "out_of_scope_precision",
            "harness.metrics.scope:OutOfScopePrecision",
            "of the rows rejected, the share that is out of scope",
            scope=True,
        ),
        MetricEntry(
            "out_of_scope_f1",
            "harness.metrics.scope:OutOfScopeF1",
            "harmonic mean of recall and precision of rejecting",
            scope=True,
        ),
    ],
    group="harness.metrics",
)


def metrics_for(kind: str, *, scope: bool) -> list[MetricEntry]:
    """Returns the metrics that fit a task, in the order of the table.

    Args:
        kind: The name of its kind.
        scope: Whether it has an out-of-scope label.
    """
    return [entry for entry in METRICS if kind in entry.kinds and (scope or not entry.scope)]


def metric_for(kind: str, name: str, *, scope: bool, where: str | None = None) -> MetricEntry:
    """Returns a metric that a task names.

    Args:
        kind: The name of the task's kind.
        name: The name of the metric.
        scope: Whether the task has an out-of-scope label.
        where: What names it, for messages.

    Raises:
        UserError: There is no such metric, or it does not fit the task.
    """
    entry, fitting = METRICS.get(name, where=where), metrics_for(kind, scope=scope)
    if entry not in fitting:
        lacking = kind in entry.kinds
        raise UserError(
            f"the metric {name!r} is not for tasks "
            + ("without an out-of-scope label" if lacking else f"of the kind {kind}"),
            where=where,
            expected=f"one of {', '.join(one.name for one in fitting)}",
        )
    return entry

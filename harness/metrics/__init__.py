"""Metrics: per-example statistics that add up, and a pure function of their totals."""

from __future__ import annotations

import dataclasses

from harness.core.registry import Entry, Registry


@dataclasses.dataclass(frozen=True, slots=True)
class MetricEntry(Entry):
    """One line of the table of metrics.

    Attributes:
        higher_is_better: Which way is better; None where neither is.
        needs_probabilities: Whether it is undefined for a method that gives labels only.
        per_class: Whether it gives a number for each label.
        kinds: The task kinds it is for.
    """

    higher_is_better: bool | None = True
    needs_probabilities: bool = False
    per_class: bool = False
    kinds: tuple[str, ...] = ("single_label",)


METRICS: Registry[MetricEntry] = Registry(
    "metric",
    [
        MetricEntry(
            "accuracy", "harness.metrics.accuracy:Accuracy", "share of the rows answered rightly"
        ),
        MetricEntry(
            "balanced_accuracy",
            "harness.metrics.accuracy:BalancedAccuracy",
            "mean recall of the classes",
        ),
        MetricEntry("macro_f1", "harness.metrics.f1:MacroF1", "mean F1 of the classes"),
        MetricEntry(
            "precision",
            "harness.metrics.f1:Precision",
            "of the rows given a label, the share that has it",
            per_class=True,
        ),
        MetricEntry(
            "recall",
            "harness.metrics.f1:Recall",
            "of the rows that have a label, the share given it",
            per_class=True,
        ),
        MetricEntry(
            "f1",
            "harness.metrics.f1:F1",
            "harmonic mean of precision and recall",
            per_class=True,
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
        ),
        MetricEntry(
            "brier",
            "harness.metrics.probability:Brier",
            "mean squared distance of the probabilities from the right answer, 0 to 2",
            higher_is_better=False,
            needs_probabilities=True,
        ),
        MetricEntry(
            "ece",
            "harness.metrics.calibration:ExpectedCalibrationError",
            "how far confidence is from accuracy, over 15 bins of confidence",
            higher_is_better=False,
            needs_probabilities=True,
        ),
    ],
    group="harness.metrics",
)

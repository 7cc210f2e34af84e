"""How many labels a method without transfer needs to be as accurate as one with it.

For every row of finished runs, and a method without transfer: the label count at which that
method's curve first reaches the row's accuracy, straight between its budgets in the logarithm of
the labels; `saved` is how many times the row's own labels that is. The runs must be of one task,
one seed and the same test rows. Test rows and draws are resampled, the same test rows for all in a
replicate, for an interval of 95 %.
"""

import argparse
import csv
import dataclasses
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.metrics import METRICS, MetricEntry
from harness.reports.evaluate import Group, RunReader
from harness.stats.bootstrap import resample

FIELDS = (
    "method", "settings", "model", "labels", "label_count", "accuracy",
    "against", "needed", "needed_low", "needed_high", "saved", "saved_low", "saved_high",
)  # fmt: skip
REPLICATES = 2000
ENDS = (2.5, 97.5)


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """A row of the table.

    Attributes:
        key: Method, settings, model and label budget.
        labels: How many labels the budget comes to.
        figures: What was seen, and after it the replicates. Shape: [1 + replicates].
    """

    key: tuple[str, str, str, str]
    labels: int
    figures: NDArray[np.float64]


def main() -> None:
    """Prints a line for each row and each method without transfer, and writes them as CSV."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run_dir", type=Path, nargs="+")
    parser.add_argument(
        "--against", action="append", required=True, metavar="METHOD[@MODEL]",
        help="a method without transfer, with its default settings",
    )  # fmt: skip
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    rows = read_rows(options.run_dir)
    lines = [line for name in options.against for line in compare(rows, name)]
    for line in lines:
        print(*line)
    if options.output:
        with options.output.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([FIELDS, *lines])


def read_rows(folders: Sequence[Path], metric: str = "accuracy") -> list[Row]:
    """Returns the rows of all runs; says on the screen which of them lack draws."""
    entry = METRICS.get(metric)
    rows: dict[tuple[str, str, str, str], Row] = {}
    tests = set()
    for folder in folders:
        for group in RunReader(folder).groups():  # one at a time: they hold all predictions
            if not group.cells:
                continue
            answers = tuple((one.row, one.target) for one in group.cells[0].examples)
            tests.add((group.task.name, group.seed, answers))
            if len(tests) > 1:
                raise SystemExit("these runs are not of one task, one seed and the same test rows")
            row = resampled(group, entry)
            if len(group.cells) < group.expected:
                print(f"{folder}: {len(group.cells)} of {group.expected} draws of", *row.key)
            other = rows.setdefault(row.key, row)
            if not np.array_equal(other.figures, row.figures):
                raise SystemExit(f"{folder}: another run has other answers of {' '.join(row.key)}")
    return list(rows.values())


def resampled(group: Group, entry: MetricEntry) -> Row:
    """Returns a row with its figure on the test rows, in every replicate."""
    if group.task.kind not in entry.kinds:
        raise SystemExit(f"the kind {group.task.kind!r} of {group.task.name} has no {entry.name}")
    metric = entry.load()()
    parts = [metric.statistics(cell.scored_for(entry)) for cell in group.cells]
    drawn = resample(parts, replicates=REPLICATES, seed=group.seed)
    row = group.cells[0].row
    return Row(
        (row.method, row.settings, row.model, row.labels),
        row.train_rows,
        np.array([metric.aggregate(drawn.observed).mean(), *drawn.values(metric.aggregate)]),
    )


def compare(rows: Sequence[Row], name: str) -> Iterator[tuple[str | int | float, ...]]:
    """Yields a line for each row but those of the method without transfer."""
    method, _, model = name.partition("@")
    curve = sorted(
        (row for row in rows if row.key[:3] == (method, "", model)), key=lambda row: row.labels
    )
    if not curve:
        raise SystemExit(f"no finished row is of {name} with its default settings")
    sizes = np.array([row.labels for row in curve])
    heights = np.stack([row.figures for row in curve], axis=1)
    for row in rows:
        if row.key[:3] == curve[0].key[:3]:
            continue
        found = [labels_needed(sizes, *pair) for pair in zip(heights, row.figures, strict=True)]
        counts = [found[0], *np.percentile(found[1:], ENDS, method="nearest")]
        saved = [count / row.labels if row.labels else math.nan for count in counts]
        yield (
            *row.key, row.labels, round(row.figures[0], 4),
            name, *(round(count, 1) for count in counts), *(round(times, 2) for times in saved),
        )  # fmt: skip


def labels_needed(sizes: NDArray[np.int64], heights: NDArray[np.float64], accuracy: float) -> float:
    """Returns the label count at which a curve first reaches an accuracy.

    The curve's lowest count where it begins above, infinite where it never does.

    Args:
        sizes: The curve's label counts, rising.
        heights: Its accuracies. Shape: that of ``sizes``.
        accuracy: What is to be reached.
    """
    reached = np.flatnonzero(heights >= accuracy)
    if not len(reached):
        return math.inf
    place = int(reached[0])
    if place == 0:
        return float(sizes[0])
    part = (accuracy - heights[place - 1]) / (heights[place] - heights[place - 1])
    ends = np.log(sizes[place - 1 : place + 1])
    return float(np.exp(ends[0] + part * (ends[1] - ends[0])))


if __name__ == "__main__":
    main()

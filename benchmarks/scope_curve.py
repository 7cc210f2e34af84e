"""How many rows out of scope are rejected where so many in scope are still answered rightly.

For every single-label cell of a run with an out-of-scope label: a row is rejected where the
probability of its best label lies below a threshold, a rejected row in scope counts as wrong, and
for each wanted in-scope accuracy the highest threshold that keeps it is taken. The thresholds are
found on the test rows themselves, so this compares rankings and is not what a user would get.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

from harness.reports.evaluate import RunReader

FIELDS = ("task", "method", "settings", "draw", "asked", "in_scope_accuracy", "oos_recall")


def main() -> None:
    """Prints a line for each cell and wanted accuracy, and writes them as CSV."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run_dir", type=Path)
    parser.add_argument("--accuracy", type=float, nargs="+", default=[0.0, 0.95, 0.96, 0.962])
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    lines = []
    for group in RunReader(options.run_dir).groups():
        outside_label = group.task.out_of_scope
        for cell in group.cells:
            if outside_label is None or any(row.probabilities is None for row in cell.predictions):
                continue
            targets = [example.target for example in cell.examples]
            best = np.array([max(row.probabilities) for row in cell.predictions])
            answers = [
                group.task.labels[int(np.argmax(row.probabilities))] for row in cell.predictions
            ]
            right = np.array([one == other for one, other in zip(answers, targets, strict=True)])
            outside = np.array([target == outside_label for target in targets])
            for asked in options.accuracy:
                found = recall_at(best, right, outside, asked)
                row = cell.row
                lines.append((row.task, row.method, row.settings, row.draw + 1, asked, *found))
                print(*lines[-1][:4], *(f"{value:.4f}" for value in lines[-1][4:]))
    if options.output:
        with options.output.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([FIELDS, *lines])


def recall_at(
    best: np.ndarray, right: np.ndarray, outside: np.ndarray, asked: float
) -> tuple[float, float]:
    """Returns in-scope accuracy and out-of-scope recall at the highest threshold that keeps it.

    Both are NaN where the accuracy is not reached with nothing rejected. With ``asked`` 0 nothing
    is rejected.
    """
    reached = (float("nan"), float("nan"))
    inside = ~outside
    for threshold in [0.0, *np.unique(best)] if asked else [0.0]:
        kept = best >= threshold
        accuracy = float((right & kept)[inside].mean())
        if accuracy < asked:
            break
        reached = (accuracy, float((~kept)[outside].mean()))
    return reached


if __name__ == "__main__":
    main()

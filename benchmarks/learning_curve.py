"""A learning curve of four methods on frozen embeddings: the harness beside plain scikit-learn.

    python benchmarks/learning_curve.py

Banking77, five label budgets, ten draws of each. The harness is a real ``harness run`` in a fresh
folder with an empty cache. The peer encodes the same distinct texts in one call of
``SentenceTransformer.encode``, batch 32, and fits scikit-learn's classifiers on the same draws,
grids included. Each is a process of its own, timed as a whole, with as many threads.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from peer_process import ask, same_threads

from harness.core.types import Example
from harness.methods.spec import parse_method
from harness.models.catalog import default
from harness.models.resolve import ResolvedModel, resolve
from harness.reports.table import TABLE_FILE
from harness.runs.provenance import environment
from harness.tasks.draws import Budget, draw, sample_test
from harness.tasks.task import Task, load_task

TASK = "banking77"
METHODS = {
    "prototypes": "prototypes:label_examples=0",
    "nearest_neighbours": "nearest_neighbours:label_examples=0",
    "linear_probe": "linear_probe:label_examples=0",
    "linear_probe:C=10": "linear_probe:C=10,label_examples=0",
}
"""What the harness is asked for, by the peer's names: the peer knows no label's words."""
BUDGETS = "2,4,8,16,32"
DRAWS = 10


def main() -> None:
    """Makes the curve both ways."""
    options = read_options()
    data = (options.shared / "data").absolute()
    task = load_task(TASK, data_dir=data)
    test = sample_test(task.test, options.test) if options.test else task.test
    budgets = [Budget("class", int(count)) for count in options.budgets.split(",")]
    resolved = resolve(default("encoder").name, "encoder")
    request = {"model": str(resolved.folder), **same_work(task, test, budgets, options.draws)}
    distinct = len(request["texts"])
    flags = [
        *("--task", TASK, "--data-dir", str(data), "--draws", str(options.draws)),
        *("--labels", ",".join(map(str, budgets))),
        *(part for method in METHODS.values() for part in ("--method", method)),
        *(("--limit", str(options.test)) if options.test else ()),
    ]
    ours = run_harness(resolved, flags)
    assert ours["texts_encoded"] == distinct, (ours["texts_encoded"], distinct)
    theirs = ask(options.peer_python, "embedding_classifiers.py", request)
    found = {
        "budgets": list(map(str, budgets)),
        "fits": len(METHODS) * len(request["draws"]),
        "test_rows": len(test),
        "distinct_texts": distinct,
        "harness": ours,
        "peer": theirs,
        "times_faster": theirs["process_seconds"] / ours["process_seconds"],
    }
    print_figures(found)
    if options.output is not None:
        kept = {"environment": environment(), **found}
        options.output.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


def read_options() -> argparse.Namespace:
    """Returns what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--budgets", default=BUDGETS, help="labels a class, with commas")
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--test", type=int, help="at most so many test rows; default: all")
    parser.add_argument("--peer-python", type=Path, default=Path(sys.executable),
                        help="python with sentence-transformers; default: this one")  # fmt: skip
    parser.add_argument("--output", type=Path, help="a JSON file to keep the figures in")
    return parser.parse_args()


def same_work(
    task: Task, test: Sequence[Example], budgets: Sequence[Budget], draws: int
) -> dict[str, Any]:
    """Returns what a run makes its cells of: the distinct texts, the draws and the test rows."""
    places: dict[str, int] = {}

    def rows_of(examples: Sequence[Example]) -> dict[str, Any]:
        rows = [places.setdefault(task.text(example), len(places)) for example in examples]
        return {"rows": rows, "labels": [str(example.target) for example in examples]}

    drawn = []
    for budget, number in itertools.product(budgets, range(draws)):
        made = draw(task.train, task.labels, budget, draw=number)
        drawn.append({"budget": str(budget), **rows_of(task.training_rows(budget, made))})
    tested = rows_of(test)
    return {"draws": drawn, "test": tested, "texts": list(places)}


def run_harness(resolved: ResolvedModel, flags: Sequence[str]) -> dict[str, Any]:
    """Runs ``harness run`` in a process of its own, first as a dry run, then for good.

    Returns:
        The seconds of both, how many texts were encoded, and the table's accuracies.
    """
    with tempfile.TemporaryDirectory() as folder:
        models, results = Path(folder, "cache", "models"), Path(folder, "results")
        models.mkdir(parents=True)
        (models / resolved.folder.name).symlink_to(resolved.folder)  # nothing else is kept there
        variables = {"HARNESS_CACHE": str(models.parent), **same_threads()}
        command = [sys.executable, "-m", "harness", "run", *flags, "--out", str(results)]
        start_up, _ = timed([*command, "--dry-run"], variables)
        seconds, printed = timed(command, variables)
        encoded = re.search(r"texts encoded: (\d+)", printed)
        assert encoded, printed
        return {
            "process_seconds": seconds,
            "dry_run_seconds": start_up,
            "texts_encoded": int(encoded[1]),
            "accuracies": read_accuracies(results / TABLE_FILE),
        }


def timed(command: Sequence[str], variables: Mapping[str, str]) -> tuple[float, str]:
    """Returns the seconds of a command, and what it printed."""
    started = time.perf_counter()
    done = subprocess.run(
        command, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"the run failed:\n{done.stdout}{done.stderr}")
    return time.perf_counter() - started, done.stdout


def read_accuracies(table: Path) -> dict[str, dict[str, float]]:
    """Returns the accuracy of each method at each budget."""
    specs = {name: parse_method(written) for name, written in METHODS.items()}
    asked = {(spec.entry.name, spec.given): name for name, spec in specs.items()}
    found: dict[str, dict[str, float]] = {}
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            method = asked[row["method"], row["settings"]]
            found.setdefault(method, {})[row["labels"]] = float(row["accuracy"])
    return found


def print_figures(found: Mapping[str, Any]) -> None:
    """Prints the figures."""
    ours, theirs = found["harness"], found["peer"]
    spent = theirs["seconds"]
    fits = ", ".join(f"{method} {seconds:.1f}" for method, seconds in spent["fits"].items())
    print(f"{found['fits']} fits, {found['test_rows']} test rows, "
          f"{found['distinct_texts']} distinct texts")  # fmt: skip
    print(f"  harness run:    {ours['process_seconds']:8.1f} s, {ours['texts_encoded']} texts "
          f"encoded; its plan alone (--dry-run): {ours['dry_run_seconds']:.1f} s")  # fmt: skip
    print(f"  scikit-learn:   {theirs['process_seconds']:8.1f} s: imports {spent['imports']:.1f}, "
          f"loading {spent['loading']:.1f}, encoding {spent['encoding']:.1f}, {fits}")  # fmt: skip
    print(f"  times faster:   {found['times_faster']:8.2f}")
    print("  accuracy, harness and scikit-learn:")
    for method in METHODS:
        pairs = (
            f"{budget} {ours['accuracies'][method][budget]:.3f} "
            f"{theirs['accuracies'][method][budget]:.3f}"
            for budget in found["budgets"]
        )
        print(f"    {method + ':':20} {'; '.join(pairs)}")


if __name__ == "__main__":
    main()

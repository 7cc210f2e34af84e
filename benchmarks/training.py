"""Training an encoder: the harness beside transformers' Trainer and beside SetFit, in one run.

    python benchmarks/training.py --peer-python PYTHON --setfit-python PYTHON

``trainer``: one recipe and one network both ways, so that what differs is how batches are made.
``setfit``: few labels, each program with its own recipe. The sides take turns, draw by draw; each
takes a first step on a copy of the model before its clock starts. Peers run in environments of
their own; a workload without one measures the harness alone.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray
from over_seeds import Result, beside, over_seeds, written
from peer_process import ask

from harness.core.types import Example
from harness.methods.base import Context
from harness.methods.spec import parse_method
from harness.models.catalog import default
from harness.models.device import choose_device, half_precision, use_threads
from harness.models.encoder import LocalEncoder, token_limit
from harness.models.meter import Meter, MeteredEncoder
from harness.models.resolve import ResolvedModel, resolve
from harness.runs.execute import BLOCK_ROWS
from harness.runs.identity import cell_seed
from harness.runs.provenance import environment
from harness.tasks.draws import Budget, draw, sample_test
from harness.tasks.task import Task, load_task
from harness.training.backbone import Backbone
from harness.training.batches import shuffled
from harness.training.cosine import CosineClassifier
from harness.training.loop import Recipe
from harness.training.prototypes import PrototypeHead

SCALE = 16.0
BATCH = 32
METHODS = ("fine_tune", "contrastive")


def main() -> None:
    """Measures both workloads, or the one that was named."""
    options = read_options()
    use_threads()
    task = load_task("banking77", data_dir=options.shared / "data")
    if options.test:
        task = dataclasses.replace(task, test=sample_test(task.test, options.test))
    resolved = resolve(default("encoder").name, "encoder")
    measured = {}
    for name in WORKLOADS if options.workload == "all" else [options.workload]:
        measured[name] = WORKLOADS[name](task, resolved, options)
        print_figures(name, measured[name])
    if options.output is not None:
        kept = {"environment": environment(), "workloads": measured}
        options.output.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


def read_options() -> argparse.Namespace:
    """Returns what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--workload", choices=[*WORKLOADS, "all"], default="all")
    parser.add_argument("--peer-python", type=Path, help="python with transformers and accelerate")
    parser.add_argument("--setfit-python", type=Path, help="python with setfit")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=500, help="training texts of `trainer`")
    parser.add_argument("--epochs", type=int, default=10, help="of `trainer`")
    parser.add_argument("--few", type=int, default=8, help="labels a class of `setfit`")
    parser.add_argument("--test", type=int, help="at most so many test rows; default: all")
    parser.add_argument("--output", type=Path, help="a JSON file to keep the figures in")
    return parser.parse_args()


def measure_trainer(task: Task, resolved: ResolvedModel, options: argparse.Namespace) -> Result:
    """Fine-tunes by one recipe: the harness, then transformers' Trainer, seed by seed."""
    rows = even_rows(task, options.rows)
    texts, targets = [task.text(row) for row in rows], task.rules.encode(rows, task.labels)
    recipe = Recipe(epochs=options.epochs, batch_size=BATCH)
    runs: dict[str, list[Result]] = {"harness": [], "Trainer": []}
    with tempfile.TemporaryDirectory() as folder:
        encoder = LocalEncoder(resolved, Path(folder))
        head = PrototypeHead(scale=SCALE).fit(encoder.encode(texts).values, targets)
        start = np.asarray(head.prototypes_, dtype=np.float32)
        fit = partial(fine_tune, encoder, task, start)
        fit(texts[:BATCH], targets[:BATCH], Recipe(epochs=1, batch_size=BATCH), 0)  # warms up
        np.save(Path(folder, "start.npy"), start)
        request = {
            "model": str(resolved.folder), "start": str(Path(folder, "start.npy")), "scale": SCALE,
            "texts": texts, "targets": targets.tolist(),
            "test": [task.text(row) for row in task.test],
            "max_tokens": token_limit(encoder.load()), "recipe": dataclasses.asdict(recipe),
            "half": half_precision(choose_device()),
        }  # fmt: skip
        for seed in range(options.seeds):
            runs["harness"].append(fit(texts, targets, recipe, seed))
            if options.peer_python:
                asked = {**request, "seed": seed}
                answer = ask(options.peer_python, "trainer_fine_tuning.py", asked)
                right = task.rules.encode(task.test, task.labels) == answer.pop("predicted")
                runs["Trainer"].append({**answer, "accuracy": float(right.mean())})
    sides = {name: over_seeds(found) for name, found in runs.items() if found}
    for side in sides.values():
        side["texts_a_second"] = recipe.epochs * len(texts) / side["seconds"]["mean"]
    return {
        "recipe": dataclasses.asdict(recipe), "rows": len(texts), "classes": len(start),
        "test_rows": len(task.test), "sides": sides, **beside(sides, "Trainer"),
    }  # fmt: skip


def even_rows(task: Task, count: int) -> list[Example]:
    """Returns so many training rows of a seeded draw, every label in turn."""
    each = -(-count // len(task.labels))
    rows = [
        task.train[place] for place in draw(task.train, task.labels, Budget("class", each)).rows
    ]
    turns: dict[str, list[Example]] = {}
    for row in rows:
        turns.setdefault(str(row.target), []).append(row)
    ordered = [
        row for turn in range(each) for own in turns.values() for row in own[turn : turn + 1]
    ]
    return ordered[:count]


def fine_tune(
    encoder: LocalEncoder,
    task: Task,
    start: NDArray[np.float32],
    texts: Sequence[str],
    targets: NDArray[Any],
    recipe: Recipe,
    seed: int,
) -> Result:
    """Fine-tunes a fresh copy with the harness; loading it and predicting are not timed."""
    backbone = Backbone(encoder.load())
    classifier = CosineClassifier(backbone, start, scale=SCALE)
    started = time.perf_counter()
    classifier.fit(texts, targets, recipe=recipe, seed=seed)
    seconds = time.perf_counter() - started
    ids = backbone.tokenise(texts)
    batches = shuffled(ids, recipe.batch_size, seed)
    slots = sum(
        len(batch) * max(len(ids[row]) for row in batch)
        for epoch in range(recipe.epochs)
        for batch in batches(epoch)
    )
    best = classifier.scores([task.text(row) for row in task.test]).argmax(axis=1)
    right = best == task.rules.encode(task.test, task.labels)
    tokens = recipe.epochs * sum(map(len, ids))
    return {"seconds": seconds, "slots": slots, "tokens": tokens, "accuracy": float(right.mean())}


def measure_setfit(task: Task, resolved: ResolvedModel, options: argparse.Namespace) -> Result:
    """Trains on few labels: two methods of the harness, then SetFit, draw by draw."""
    budget = Budget("class", options.few)
    runs: dict[str, list[Result]] = {name: [] for name in (*METHODS, "SetFit")}
    for number in range(options.seeds):
        seed = cell_seed(0, number)
        drawn = draw(task.train, task.labels, budget, draw=number)
        rows = task.training_rows(budget, drawn)
        for name in METHODS:
            if number == 0:
                few = dataclasses.replace(task, test=task.test[:1])
                run_method(few, resolved, f"{name}:epochs=1,min_steps=0", rows[:BATCH], seed)
            runs[name].append(run_method(task, resolved, name, rows, seed))
        if options.setfit_python:
            request = {
                "model": str(resolved.folder), "seed": seed,
                "texts": [task.text(row) for row in rows], "labels": [row.target for row in rows],
                "test": [task.text(row) for row in task.test],
            }  # fmt: skip
            answer = ask(options.setfit_python, "setfit_training.py", request)
            accuracy = share_right(task.test, answer.pop("predicted"))
            runs["SetFit"].append({**answer, "accuracy": accuracy})
    sides = {name: over_seeds(found) for name, found in runs.items() if found}
    return {
        "labels": str(budget), "rows": len(rows), "test_rows": len(task.test),
        "sides": sides, **beside(sides, "SetFit"),
    }  # fmt: skip


def run_method(
    task: Task, resolved: ResolvedModel, method: str, rows: Sequence[Example], seed: int
) -> Result:
    """Fits a method as a run does, with an empty cache, and predicts the test rows.

    The seconds of fitting have the loading of a fresh copy of the encoder in them.
    """
    with tempfile.TemporaryDirectory() as cache:
        meter = Meter()
        encoder = LocalEncoder(resolved, Path(cache))
        encoder.encode(["a text that loads the model"])
        context = Context(
            labels=task.labels,
            rules=task.rules,
            seed=seed,
            meter=meter,
            encoder=MeteredEncoder(encoder, meter),
        )
        started = time.perf_counter()
        fitted = parse_method(method).build().fit(rows, (), context)
        trained = time.perf_counter()
        blind = [row.without_target() for row in task.test]
        predicted = [
            prediction.output
            for start in range(0, len(blind), BLOCK_ROWS)
            for prediction in fitted.predict(blind[start : start + BLOCK_ROWS])
        ]
        return {
            "seconds": trained - started,
            "predict_seconds": time.perf_counter() - trained,
            "accuracy": share_right(task.test, predicted),
        }


def share_right(rows: Sequence[Example], predicted: Sequence[Any]) -> float:
    """Returns the accuracy of some predictions."""
    return fmean(row.target == one for row, one in zip(rows, predicted, strict=True))


def print_figures(name: str, found: Mapping[str, Any]) -> None:
    """Prints the figures of one workload."""
    print(
        f"{name}: {found['rows']} training texts, {found['test_rows']} test rows; mean over seeds"
    )
    for side, figures in found["sides"].items():
        parts = [f"{figures['seconds']['mean']:8.2f} s", f"accuracy {written(figures['accuracy'])}"]
        if "texts_a_second" in figures:
            parts.append(f"{figures['texts_a_second']:.1f} texts/s")
            parts.append(f"{figures['slots']['mean']:,.0f} token slots")
        else:
            parts.append(f"prediction {figures['predict_seconds']['mean']:.2f} s")
        print(f"  {side + ':':12} {', '.join(parts)}")
        print(f"  {'':12} accuracies: {[round(one, 4) for one in figures['accuracy']['each']]}")
    for side, figures in found.get("beside", {}).items():
        slots = figures.get("times_the_slots")
        print(f"  the peer takes {figures['times_faster']:.2f} times as long as {side}"
              + (f", and {slots:.2f} times the token slots" if slots else "")
              + f"; {side} is {written(figures['points_better'], 2)} points better")  # fmt: skip


WORKLOADS = {"trainer": measure_trainer, "setfit": measure_setfit}


if __name__ == "__main__":
    main()

"""Computes the cells of a plan that are not in the store yet."""

from __future__ import annotations

import dataclasses
import importlib
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

from harness.core.errors import HarnessError
from harness.core.files import atomic_write
from harness.core.progress import Progress
from harness.core.types import Cost, Example
from harness.methods.base import Context, Method
from harness.models.device import choose_device
from harness.models.meter import Meter, MeteredCausalLM, MeteredEncoder
from harness.models.room import ModelRoom
from harness.runs.keeping import is_wanted, keep_model, warn_not_kept
from harness.runs.memory import PeakMemory
from harness.runs.models import ready_model
from harness.runs.plan import Plan, PlannedCell
from harness.runs.provenance import environment
from harness.store.cells import CellStore, CellWriter
from harness.store.manifest import (
    MANIFEST_FILE,
    Manifest,
    examples_file,
    read_manifest,
    write_manifest,
)
from harness.store.predictions import write_examples

BLOCK_ROWS = 256  # prompts are cut by what a block shares: a change may change last bits


@dataclasses.dataclass(slots=True)
class Outcome:
    """What a run did.

    Attributes:
        computed: Cells that were computed now.
        reused: Cells that were in the store already.
        failures: For the cells that could not be computed: identity and reason.
        texts_encoded: Texts that went through an encoder now.
        prompts_run: Prompts that went through a causal LM now.
    """

    computed: int = 0
    reused: int = 0
    failures: dict[str, str] = dataclasses.field(default_factory=dict)
    texts_encoded: int = 0
    prompts_run: int = 0


def execute(plan: Plan, run_dir: Path, room: ModelRoom) -> Outcome:
    """Computes what is missing, cell by cell; an interruption loses at most a block of one.

    A cell that fails is noted, and the others go on.

    Args:
        plan: The cells.
        run_dir: The run's folder.
        room: Gives the models.

    Returns:
        What was done; it is in the manifest too.
    """
    store = CellStore(run_dir)
    outcome = Outcome()
    _warn_of_another(plan, run_dir)
    for planned in plan.tasks:
        write_examples(examples_file(run_dir, planned.task.name), planned.test)
    _write_manifest(plan, run_dir, outcome)
    missing = missing_cells(plan, run_dir)
    outcome.reused = len(plan.distinct()) - len(missing)
    keep = plan.experiment.keep_models
    with Progress("cells", len(missing), "cell") as progress:
        for cell in missing:
            progress.describe(describe(cell))
            _attempt(cell, store, room, run_dir, outcome, keep=keep)
            progress.update()
    store.tidy()
    outcome.texts_encoded, outcome.prompts_run = room.texts_encoded, room.prompts_run
    _write_manifest(plan, run_dir, outcome)
    return outcome


def missing_cells(plan: Plan, run_dir: Path) -> list[PlannedCell]:
    """Returns the cells that are to be computed, or to be trained once more to be kept."""
    store, keep = CellStore(run_dir), plan.experiment.keep_models
    return [
        cell
        for cell in plan.distinct()
        if not store.has(cell.row.identity) or (keep and is_wanted(cell, run_dir))
    ]


class OtherRunWarning(UserWarning):
    """The folder held the tables of another command."""


def _warn_of_another(plan: Plan, run_dir: Path) -> None:
    """Warns where the folder's tables will now be those of another command than before."""
    if not (run_dir / MANIFEST_FILE).is_file():
        return
    before = dict(read_manifest(run_dir).provenance["experiment"])
    now = plan.experiment.describe()
    aside = {"out": None, "keep_models": None}
    if before | aside != now | aside:
        warnings.warn(
            f"{run_dir} holds the run of another command; its cells are kept, and its tables are "
            "replaced by this command's. To keep both, name another folder with --out",
            OtherRunWarning,
            stacklevel=2,
        )


def describe(cell: PlannedCell) -> str:
    """Returns a cell in a few words."""
    row = cell.row
    settings = f":{row.settings}" if row.settings else ""
    budget = f"{row.labels} labels, draw {row.draw + 1}" if row.labels != "0" else ""
    parts = (row.task, row.method + settings, row.model, row.prompt, budget)
    return ", ".join(part for part in parts if part)


def _write_manifest(plan: Plan, run_dir: Path, outcome: Outcome) -> None:
    provenance = {
        "experiment": plan.experiment.describe(),
        "environment": environment(),
        "models": {
            f"{model.kind}:{model.spec}": model.identity
            for cell in plan.cells
            for model in cell.models
        },
        "prompts": {
            cell.prompt.name: cell.prompt.content_hash for cell in plan.cells if cell.prompt
        },
    }
    manifest = Manifest(
        tasks={planned.task.name: planned.row() for planned in plan.tasks},
        cells=tuple(cell.row for cell in plan.cells),
        failures=outcome.failures,
        seed=plan.experiment.seed,
        provenance=provenance,
    )
    write_manifest(run_dir, manifest)


def _attempt(
    cell: PlannedCell,
    store: CellStore,
    room: ModelRoom,
    run_dir: Path,
    outcome: Outcome,
    *,
    keep: bool,
) -> None:
    """Computes a cell, or waits for another process to; counts it, or notes why it failed."""
    try:
        with store.write(cell.row.identity) as writer:
            # Asked here, behind the lock: the other process may have kept it too.
            kept_in = run_dir if keep and is_wanted(cell, run_dir) else None
            if writer is not None:
                _compute(cell, writer, room, kept_in)
                outcome.computed += 1
                return
            outcome.reused += 1
            if kept_in:
                _train_again(cell, room, kept_in)
    except HarnessError as error:
        outcome.failures[cell.row.identity] = str(error)
    except Exception as error:  # noqa: BLE001  (one cell's bug must not take the others with it)
        trace = run_dir / "errors" / f"{cell.row.identity}.txt"
        atomic_write(trace, traceback.format_exc())
        reason = f"{type(error).__name__}: {error} (details in {trace})"
        outcome.failures[cell.row.identity] = reason


def _compute(cell: PlannedCell, writer: CellWriter, room: ModelRoom, kept_in: Path | None) -> None:
    meter = Meter()
    with PeakMemory() as memory:
        method, fit_seconds = _fit(cell, room, meter)
        fit_charged = dict(meter.charged)
        if cell.method.entry.way == "fine-tuning" and choose_device() != "cpu":
            writer.drop_blocks()  # a GPU need not learn the same twice: one cell, one model
        blocks = _predict(cell, method, meter, writer)
    costs = [writer.block_costs(number) for number in range(blocks)]
    writer.finish(
        blocks,
        record=cell.record,
        costs=_total(fit_seconds, fit_charged, costs)
        | {"peak_memory_mb": memory.peak_mb, "test_rows": len(cell.planned.test)},
    )
    if kept_in:
        keep_model(cell, method, kept_in)


def _train_again(cell: PlannedCell, room: ModelRoom, run_dir: Path) -> None:
    """Trains a finished cell once more, to keep its model; its numbers stay, come what may."""
    try:
        method, _ = _fit(cell, room, Meter())
    except Exception as error:  # noqa: BLE001  (as above: the other cells go on)
        warn_not_kept(cell, error)
    else:
        keep_model(cell, method, run_dir)


def _fit(cell: PlannedCell, room: ModelRoom, meter: Meter) -> tuple[Method, float]:
    """Returns a cell's method when it has learnt, and the seconds of its own that took."""
    context = _context(cell, room, meter)
    for module in cell.method.entry.imports:
        importlib.import_module(module)
    uses_unlabelled = "unlabelled" in cell.method.uses
    unlabelled = cell.planned.task.unlabelled_texts() if uses_unlabelled else ()
    started, inside = time.perf_counter(), meter.inside_seconds
    method = cell.method.build().fit(cell.train, unlabelled, context)
    if meter.shortened:
        meter.note("texts read in learning fill all that the model reads: they may have been cut")
    return method, time.perf_counter() - started - (meter.inside_seconds - inside)


def _context(cell: PlannedCell, room: ModelRoom, meter: Meter) -> Context:
    task = cell.planned.task
    ready = {model.kind: ready_model(model, task, room, meter) for model in cell.models}
    encoder = causal_lm = None
    if "encoder" in ready:
        encoder = MeteredEncoder(room.encoder(ready["encoder"]), meter)
    if "causal_lm" in ready:
        causal_lm = MeteredCausalLM(room.causal_lm(ready["causal_lm"]), meter)
    return Context(
        labels=task.labels,
        rules=task.rules,
        seed=cell.seed,
        meter=meter,
        encoder=encoder,
        causal_lm=causal_lm,
        prompt=cell.prompt,
        test_blocks=_blocks(cell) if "test_inputs" in cell.method.uses else (),
    )


def _blocks(cell: PlannedCell) -> list[list[Example]]:
    """Returns the test rows without their labels, in blocks."""
    rows = [example.without_target() for example in cell.planned.test]
    return [rows[start : start + BLOCK_ROWS] for start in range(0, len(rows), BLOCK_ROWS)]


def _predict(cell: PlannedCell, method: Method, meter: Meter, writer: CellWriter) -> int:
    """Predicts the test rows block by block, without their labels; returns how many blocks."""
    blocks = _blocks(cell)
    for number, block in enumerate(blocks):
        if writer.has_block(number):
            continue
        charged, inside, began = set(meter.charged), meter.inside_seconds, time.perf_counter()
        shortened = meter.shortened
        predictions = method.predict(block)
        own = time.perf_counter() - began - (meter.inside_seconds - inside)
        new = {key.hex(): cost for key, cost in meter.charged.items() if key not in charged}
        costs = {
            "own_seconds": own,
            "charged": {key: [cost.seconds, cost.tokens] for key, cost in new.items()},
            "shortened": min(meter.shortened - shortened, len(block)),
            "halved": meter.halved,
            "notes": meter.notes,
        }
        writer.write_block(number, [example.row for example in block], predictions, costs)
    return len(blocks)


def _total(
    fit_seconds: float, fit_charged: dict[bytes, Cost], blocks: list[dict[str, Any]]
) -> dict[str, Any]:
    """Adds up a cell's costs; what several blocks used is charged once."""
    fit = {key.hex(): cost for key, cost in fit_charged.items()}
    predict = {
        key: Cost(*cost)
        for block in blocks
        for key, cost in block["charged"].items()
        if key not in fit
    }
    return {
        "fit_seconds": fit_seconds + sum(cost.seconds for cost in fit.values()),
        "predict_seconds": sum(block["own_seconds"] for block in blocks)
        + sum(cost.seconds for cost in predict.values()),
        "tokens": sum(cost.tokens for cost in (*fit.values(), *predict.values())),
        "shortened_rows": sum(block["shortened"] for block in blocks),
        "halved": any(block["halved"] for block in blocks),
        "notes": list(dict.fromkeys(note for block in blocks for note in block["notes"])),
    }

"""How long cells may take on this machine: rough, from counts of work and one small measurement."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.core.settings import stored
from harness.core.types import Example
from harness.methods.fine_tuned import taught_epochs, usual_training
from harness.methods.spec import parse_method
from harness.models.catalog import CATALOG
from harness.models.derived import Adapted, base_of, derived_folder, parse_derived
from harness.runs.models import PlannedModel
from harness.runs.plan import PlannedCell

CHARACTERS_PER_TOKEN = 4.0
UNKNOWN_PARAMETERS = 100e6
FLOPS_PER_WEIGHT = 2.0  # a multiplication and an addition for every token
TRAINING_FACTOR = 6.0  # forward, and backward through weights and inputs, in small products
WITH_THRESHOLD = 1.75  # fitted once more without the quarter that it is chosen on
ACTIVE_SHARE = {"causal_lm": 0.8, "encoder": 0.5}  # the rest is looked up, not multiplied
EFFICIENCY = 0.7  # of the machine's matrix rate; what a model's matrices reach
OVERHEAD_CHARACTERS = 30  # the words of a prompt around a text
OWN_SECONDS = 0.5  # fitting, predicting and writing a cell
LOAD_SECONDS = 5.0


def estimate_seconds(cells: Sequence[PlannedCell]) -> float:
    """Returns about how many seconds the cells take, models loaded and texts encoded once."""
    if not cells:
        return 0.0
    models = {model.spec for cell in cells for model in cell.models}
    prompting: dict[tuple[object, ...], float] = {}
    for cell in cells:
        shared = _prompts_of(cell)
        prompting[shared] = max(prompting.get(shared, 0.0), _prompting(cell))
    work = sum(prompting.values()) + sum(map(_training, cells)) + _encoding(cells)
    adapting = {(cell.row.task, model): cell for cell in cells for model in cell.models}
    work += sum(_adapting(cell, model) for (_, model), cell in adapting.items())
    rate = matrix_rate() * EFFICIENCY
    return work / rate + OWN_SECONDS * len(cells) + LOAD_SECONDS * len(models)


def matrix_rate() -> float:
    """Returns this machine's float32 matrix rate in operations a second, measured briefly."""
    import numpy as np

    side = 768
    matrix = np.ones((side, side), dtype=np.float32)
    matrix @ matrix
    best = float("inf")
    for _ in range(10):  # the best of them: others may be using the machine
        started = time.perf_counter()
        matrix @ matrix
        best = min(best, time.perf_counter() - started)
    return 2.0 * side**3 / best


def _prompts_of(cell: PlannedCell) -> tuple[object, ...]:
    """Returns what cells have in common that score the same prompts, which is done once."""
    row = cell.row
    shown = tuple(
        cell.method.settings.get(name) for name in ("k", "select", "order", "per", "chat")
    )
    return (row.task, row.model, row.prompt, row.labels, row.draw, *shown)


def _prompting(cell: PlannedCell) -> float:
    """Returns the work of scoring the labels after every test row and calibrating text."""
    model = _model(cell, "causal_lm")
    if model is None:
        return 0.0
    texts = _texts(cell, cell.planned.test)
    if "unlabelled" in cell.method.uses:
        unlabelled = cell.planned.task.unlabelled_texts()[: cell.method.settings.get("texts", 0)]
        texts += _texts(cell, unlabelled)
    labels = sum(len(label.verbalizer) for label in cell.planned.task.labels)
    per_row = labels + OVERHEAD_CHARACTERS
    chosen_for_each = "encoder" in cell.method.models or cell.method.settings.get("per") == "query"
    if chosen_for_each and cell.train:
        shown = min(cell.method.settings.get("k", 0), len(cell.train))
        per_row += shown * _characters(cell, cell.train) / len(cell.train)
    tokens = (sum(map(len, texts)) + per_row * len(texts)) / CHARACTERS_PER_TOKEN
    return FLOPS_PER_WEIGHT * _parameters(model) * tokens


def _training(cell: PlannedCell) -> float:
    """Returns the work of training an encoder, and of running the test rows through it."""
    model = _model(cell, "encoder")
    if model is None or cell.method.entry.way != "fine-tuning":
        return 0.0
    own = cell.method.settings
    base = parse_method(next(iter(cell.method.parts))) if cell.method.parts else cell.method
    passed = 0.0  # characters
    if base.entry.way == "fine-tuning":
        usual = usual_training(model.identity).epochs
        passed = _characters(cell, cell.train) * _passes(base.settings, len(cell.train), usual)
        if cell.planned.task.rules.needs_threshold and own.get("threshold") is None:
            passed *= WITH_THRESHOLD
        if "unlabelled" in cell.method.uses:
            both = (*cell.train, *cell.planned.task.unlabelled_texts())
            as_base = base.settings.get("epochs") or usual
            epochs = own.get("epochs") or taught_epochs(model.identity) or as_base
            passed += own.get("rounds", 1) * epochs * _characters(cell, both)
    passed = TRAINING_FACTOR * passed + _characters(cell, cell.planned.test)
    return FLOPS_PER_WEIGHT * _parameters(model) * passed / CHARACTERS_PER_TOKEN


def _passes(settings: Mapping[str, Any], rows: int, usual: int = 1) -> float:
    """Returns how often training runs every row."""
    steps = settings.get("min_steps", 0) * settings.get("batch_size", 1)
    return float(max(settings.get("epochs") or usual, steps / max(1, rows)))


def _adapting(cell: PlannedCell, model: PlannedModel) -> float:
    """Returns the work of adapting a model to a task's texts, where that is not done yet."""
    derived = parse_derived(model.spec)
    if derived is None or not isinstance(derived.settings, Adapted):
        return 0.0
    if derived_folder(model.identity).is_dir():
        return 0.0
    texts = cell.planned.task.unlabelled_texts()
    passed = _characters(cell, texts) * _passes(stored(derived.settings), len(texts))
    if derived.settings.objective in (None, "simcse") and model.kind == "encoder":
        passed *= 2  # every text twice
    work = TRAINING_FACTOR * FLOPS_PER_WEIGHT * _parameters(model)
    return work * passed / CHARACTERS_PER_TOKEN


def _encoding(cells: Sequence[PlannedCell]) -> float:
    """Returns the work of encoding every text that a frozen encoder needs, each once."""
    needed: dict[tuple[str, str], float] = {}
    for cell in cells:
        model = _model(cell, "encoder")
        if model is not None:
            for text in _texts(cell, _embedded(cell)):
                needed[model.spec, text] = FLOPS_PER_WEIGHT * _parameters(model) * len(text)
    return sum(needed.values()) / CHARACTERS_PER_TOKEN


def _embedded(cell: PlannedCell) -> tuple[Example, ...]:
    """Returns the examples whose embeddings a cell needs: those of a frozen encoder."""
    trains = cell.method.entry.way == "fine-tuning"
    unlabelled = cell.planned.task.unlabelled_texts() if "unlabelled" in cell.method.uses else ()
    return (*cell.train, *(() if trains else cell.planned.test), *unlabelled)


def _characters(cell: PlannedCell, examples: Iterable[Example]) -> int:
    return sum(len(text) for text in _texts(cell, examples))


def _texts(cell: PlannedCell, examples: Iterable[Example]) -> list[str]:
    return [cell.planned.task.text(example) for example in examples]


def _model(cell: PlannedCell, kind: str) -> PlannedModel | None:
    return next((model for model in cell.models if model.kind == kind), None)


def _parameters(model: PlannedModel) -> float:
    """Returns how many weights a token is multiplied with."""
    known = CATALOG.get(base_of(model.spec))
    parameters = float(known.parameters) if known else UNKNOWN_PARAMETERS
    return ACTIVE_SHARE[model.kind] * parameters

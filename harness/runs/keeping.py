"""The models that cells trained: kept with a card that says what they are, and loaded again.

They lie in ``RUN_DIR/models/<identity of the cell>/``.
"""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from harness.core.errors import DataError
from harness.core.files import atomic_folder, atomic_write, remove_unfinished
from harness.methods.base import Context, Method
from harness.methods.kept import METHOD_FILE, can_keep, keep, load_method, read_facts
from harness.models.base import Encoder
from harness.models.encoder import save_encoder
from harness.models.local import check_folder
from harness.models.meter import Meter, MeteredEncoder
from harness.models.resolve import ResolvedModel
from harness.models.room import ModelRoom
from harness.runs.models import PlannedModel, is_derived, ready_model
from harness.runs.plan import PlannedCell
from harness.runs.provenance import environment
from harness.tasks.task import Task

CARD_FILE = "README.md"
BASE_FOLDER = "base"


def model_folder(run_dir: Path, identity: str) -> Path:
    """Returns where a cell's model is kept."""
    return run_dir / "models" / identity


def is_wanted(cell: PlannedCell, run_dir: Path) -> bool:
    """Returns whether a cell trains a model that is not kept yet."""
    if not can_keep(cell.method):
        return False
    return not (model_folder(run_dir, cell.row.identity) / METHOD_FILE).is_file()


class NotKeptWarning(UserWarning):
    """A model could not be kept; the cell's numbers are there all the same."""


def warn_not_kept(cell: PlannedCell, why: object) -> None:
    """Warns that a cell's model was not kept."""
    row = cell.row
    message = f"the model of {row.method}, {row.labels} labels, draw {row.draw + 1}, was not kept"
    warnings.warn(f"{message}: {why}", NotKeptWarning, stacklevel=3)


def keep_model(cell: PlannedCell, method: Method, run_dir: Path) -> None:
    """Keeps what a cell has trained, and the frozen encoder where it was made from another."""
    place = model_folder(run_dir, cell.row.identity)
    shutil.rmtree(place, ignore_errors=True)  # somebody took files out of it
    remove_unfinished(place)
    try:
        with atomic_folder(place) as folder:
            if _was_made(cell) and "backbone_" not in method.learnt():
                save_encoder(method.encoder.load(), folder / BASE_FOLDER)
            keep(method, cell.method, folder, _facts(cell))
            atomic_write(folder / CARD_FILE, _card(cell))
    except (OSError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        warn_not_kept(cell, f"in {place}: {error}")


def _was_made(cell: PlannedCell) -> bool:
    return any(is_derived(model) for model in cell.models)


def load_kept(folder: Path, task: Task, room: ModelRoom | None = None) -> Method:
    """Returns a kept model, ready to predict the task's examples.

    Args:
        folder: One of ``RUN_DIR/models/``.
        task: The task that it learnt, or one with the same kind and labels.
        room: Gives the encoder, where the method has none of its own.

    Raises:
        DataError: The folder is not what was written, or the task is another.
        HarnessError: It needs another version of a method, or a model that is not to be had.
    """
    facts = read_facts(folder)
    now = {"kind": task.rules.name, "labels": [label.name for label in task.labels]}
    for key, value in now.items():
        if facts[key] != value:
            raise DataError(
                f"this model learnt a task with another list of {key}"
                if key == "labels" else "this model learnt another kind of task",
                where=str(folder), found=value, expected=str(facts[key]),
            )  # fmt: skip
    meter = Meter()
    encoder = None
    if not facts["encoders"]:
        for model in facts["models"]:
            encoder = _encoder(PlannedModel(**model), folder, task, room or ModelRoom(), meter)
    context = Context(
        labels=task.labels, rules=task.rules, seed=facts["seed"], meter=meter, encoder=encoder
    )
    return load_method(folder, facts, context)


def _encoder(
    planned: PlannedModel, folder: Path, task: Task, room: ModelRoom, meter: Meter
) -> Encoder:
    base = folder / BASE_FOLDER
    if base.is_dir():
        check_folder(base, "encoder")
        made = ResolvedModel(planned.spec, planned.name, "encoder", base, planned.identity)
        return MeteredEncoder(room.encoder(made), meter)
    encoder = room.encoder(ready_model(planned, task, room, meter))
    if encoder.identity != planned.identity:
        raise DataError(
            f"the encoder {planned.name} is another than this model was made from",
            where=planned.spec,
            found=encoder.identity,
            expected=planned.identity,
        )
    return MeteredEncoder(encoder, meter)


def _facts(cell: PlannedCell) -> dict[str, Any]:
    return {
        "cell": cell.row.identity,
        "task": cell.row.task,
        "kind": cell.planned.task.rules.name,
        "labels": [label.name for label in cell.planned.task.labels],
        "budget": cell.row.labels,
        "draw": cell.row.draw,
        "train_rows": cell.row.train_rows,
        "seed": cell.seed,
        "models": [
            {"kind": one.kind, "spec": one.spec, "identity": one.identity, "name": one.name}
            for one in cell.models
        ],
        "environment": environment(),
    }


def _card(cell: PlannedCell) -> str:
    """Returns the card: what it is, what it learnt from, what it was tested on, how to use it."""
    row, task = cell.row, cell.planned.task
    settings = f":{row.settings}" if row.settings else ""
    made_from = ", ".join(f"`{one.name}` ({one.identity})" for one in cell.models)
    packages = environment()["packages"].items()
    facts = {
        "method": f"`{row.method}{settings}`: {cell.method.entry.summary}",
        "made from": made_from or "no model",
        "learnt from": f"{row.train_rows} examples: label budget {row.labels}, draw {row.draw + 1}",
        "task": f"{row.task}, version {task.version}, data {task.data_hash}",
        "labels": ", ".join(label.name for label in task.labels),
        "licence of the data": task.licence or "the task names none",
        "seed": cell.seed,
        "packages": ", ".join(f"{name} {version}" for name, version in packages),
    }
    lines = [
        f"# {row.method} on {row.task}",
        "",
        task.description.strip(),
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in facts.items()),
        "",
        f"How well it does stands in the run's `cells.csv`, in the rows of cell `{row.identity}`.",
        "The licence of the model that it is made from holds for it too.",
        "",
        "```python",
        "from pathlib import Path",
        "from harness.runs.keeping import load_kept",
        "from harness.tasks.task import load_task",
        "",
        f'task = load_task("{row.task}")  # its name, or the path of its YAML',
        f'method = load_kept(Path("models/{row.identity}"), task)  # below the run\'s folder',
        "method.predict(task.test)",
        "```",
    ]
    return "\n".join(lines) + "\n"

"""``manifest.json``: which cells a run is made of, and everything its numbers depend on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.core.errors import DataError, UserError
from harness.core.files import atomic_write, pretty_json, read_json

MANIFEST_FILE = "manifest.json"
FORMAT = 2


@dataclasses.dataclass(frozen=True, slots=True)
class CellRow:
    """One cell as a run lists it; several may share an identity where they come to the same.

    Attributes:
        identity: The cell's folder in the store.
        task: Name of the task.
        method: Name of the method.
        settings: Those that differ from the defaults, ``key=value,...``.
        model: Name of the model, or empty.
        prompt: Name of the prompt, or empty.
        labels: The label budget as written, ``0`` for a method that uses none.
        draw: Number of the draw, counted from 0.
        train_rows: How many labelled examples the draw has.
        notes: What a reader should know, for example a class with fewer rows than asked for.
    """

    identity: str
    task: str
    method: str
    settings: str
    model: str
    prompt: str
    labels: str
    draw: int
    train_rows: int
    notes: tuple[str, ...] = ()

    @property
    def group(self) -> tuple[str, str, str, str, str, str]:
        """What the draws of one row of the table have in common."""
        return (self.task, self.method, self.settings, self.model, self.prompt, self.labels)


@dataclasses.dataclass(frozen=True, slots=True)
class TaskRow:
    """A task as a run lists it; its test rows with their labels lie in ``examples/``.

    Attributes:
        name: Its name.
        version: Its version.
        kind: Its task kind.
        data_hash: sha256 over all its examples.
        labels: Label names in order, the out-of-scope label left out; of multiple choice the
            letters; none where rows are answered with a text.
        out_of_scope: The label whose rows are left out of in-scope metrics, or None.
        test_rows: How many test rows were predicted.
        metrics: The metrics its YAML names; empty means all that fit.
        source: Where the data was read from.
        majority: Share of the in-scope test rows that have the pool's most frequent label; None
            where rows do not have one label each.
    """

    name: str
    version: str
    kind: str
    data_hash: str
    labels: tuple[str, ...]
    out_of_scope: str | None
    test_rows: int
    metrics: tuple[str, ...]
    source: str
    majority: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Manifest:
    """A run: its tasks and cells, and where its numbers come from.

    Attributes:
        tasks: The tasks, by name.
        cells: The cells, in the order of the plan.
        failures: For the cells that could not be computed: identity and reason.
        seed: The run's seed.
        provenance: Settings, versions, machine, model identities, prompts; JSON.
    """

    tasks: Mapping[str, TaskRow]
    cells: tuple[CellRow, ...]
    failures: Mapping[str, str]
    seed: int
    provenance: Mapping[str, Any]


def examples_file(run_dir: Path, task: str) -> Path:
    """Returns where a run keeps a task's test rows."""
    return run_dir / "examples" / f"{task}.parquet"


def write_manifest(run_dir: Path, manifest: Manifest) -> None:
    """Writes the manifest, whole or not at all."""
    content = {"format": FORMAT} | dataclasses.asdict(manifest)
    atomic_write(run_dir / MANIFEST_FILE, pretty_json(content))


def read_manifest(run_dir: Path) -> Manifest:
    """Reads a run's manifest.

    Raises:
        UserError: The folder holds no run, or one of another format.
        DataError: Something in the manifest is missing or damaged.
    """
    path = run_dir / MANIFEST_FILE
    if not path.is_file():
        raise UserError(
            "this folder holds no run",
            where=str(run_dir),
            expected=f"a folder with a {MANIFEST_FILE}, as `harness run --out DIR` writes it",
        )
    try:
        found = read_json(path)
    except ValueError:
        found = None
    content = found if isinstance(found, dict) else {}
    if content.get("format") != FORMAT:
        raise UserError(
            "this is no manifest of a run, or one of another format",
            where=str(path),
            found=content.get("format"),
            expected=f"format {FORMAT}",
            hint="run it again into a new folder",
        )
    try:
        return _manifest(content)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            "this manifest of a run is damaged",
            where=str(path),
            found=f"{type(error).__name__}: {error}",
            hint="run the same command again: it is written anew, and finished cells are kept",
        ) from error


def _manifest(content: dict[str, Any]) -> Manifest:
    tasks = {name: _task(row) for name, row in content["tasks"].items()}
    cells = tuple(CellRow(**(row | {"notes": tuple(row["notes"])})) for row in content["cells"])
    for cell in cells:
        if cell.task not in tasks:
            raise KeyError(cell.task)
    return Manifest(
        tasks=tasks,
        cells=cells,
        failures=dict(content["failures"].items()),
        seed=int(content["seed"]),
        provenance=content["provenance"],
    )


def _task(row: dict[str, Any]) -> TaskRow:
    return TaskRow(**(row | {"labels": tuple(row["labels"]), "metrics": tuple(row["metrics"])}))

"""One folder a cell, named by the cell's identity: written aside, then renamed into place.

::

    cells/<identity>/cell.json             what the cell is made of
    cells/<identity>/predictions.parquet   one line a test row
    cells/<identity>/costs.json            what was measured; outside the promise of equal bytes
    cells/.<identity>.partial/             blocks of predictions of a cell that is not finished
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.core.files import atomic_write, move_folder, pretty_json, read_json
from harness.core.types import Prediction
from harness.store.predictions import (
    StoredPredictions,
    damaged,
    read_predictions,
    write_predictions,
)

CELL_FILE = "cell.json"
COSTS_FILE = "costs.json"
PREDICTIONS_FILE = "predictions.parquet"


class CellStore:
    """The cells of a run.

    Args:
        run_dir: The run's folder; ``cells/`` is made in it on first write.
    """

    def __init__(self, run_dir: Path) -> None:
        self.folder = run_dir / "cells"

    def has(self, identity: str) -> bool:
        """Returns whether the cell is there, finished."""
        return (self.folder / identity / CELL_FILE).is_file()

    def record(self, identity: str) -> dict[str, Any]:
        """Returns what the cell is made of."""
        record: dict[str, Any] = read_json(self.folder / identity / CELL_FILE)
        return record

    def costs(self, identity: str) -> dict[str, Any]:
        """Returns what was measured while the cell was computed.

        Raises:
            DataError: The file is missing or damaged.
        """
        path = self.folder / identity / COSTS_FILE
        try:
            costs = read_json(path)
        except (FileNotFoundError, ValueError) as error:
            raise damaged(path, error, delete=path.parent) from error
        if not isinstance(costs, dict):
            raise damaged(path, costs, delete=path.parent)
        return costs

    def predictions(self, identity: str) -> StoredPredictions:
        """Returns the cell's predictions.

        Raises:
            DataError: The file is missing or damaged.
        """
        return read_predictions(self.folder / identity / PREDICTIONS_FILE)

    def tidy(self) -> None:
        """Removes the blocks of finished cells, where a kill came before that."""
        for partial in self.folder.glob(".*.partial"):
            if self.has(partial.name.removeprefix(".").removesuffix(".partial")):
                shutil.rmtree(partial, ignore_errors=True)

    @contextlib.contextmanager
    def write(self, identity: str) -> Iterator[CellWriter | None]:
        """Gives a writer, or None where the cell has been finished by somebody else meanwhile.

        Only one process writes a cell at a time; another waits for it.
        """
        from filelock import FileLock

        locks = self.folder / ".locks"
        locks.mkdir(parents=True, exist_ok=True)
        with FileLock(locks / identity):
            yield None if self.has(identity) else CellWriter(self.folder, identity)


class CellWriter:
    """Takes a cell's predictions block by block; what is in a block survives a kill."""

    def __init__(self, folder: Path, identity: str) -> None:
        self.final = folder / identity
        self.partial = folder / f".{identity}.partial"
        self.partial.mkdir(parents=True, exist_ok=True)

    def has_block(self, number: int) -> bool:
        """Returns whether the block was written by an earlier, interrupted run."""
        return self._block(number).is_file()

    def drop_blocks(self) -> None:
        """Forgets what an earlier, interrupted run wrote."""
        shutil.rmtree(self.partial)
        self.partial.mkdir()

    def write_block(
        self, number: int, rows: Sequence[int], predictions: Sequence[Prediction], costs: Any
    ) -> None:
        """Keeps a block of predictions and what it cost (JSON)."""
        atomic_write(self._block(number).with_suffix(".json"), pretty_json(costs))
        write_predictions(self._block(number), rows, predictions)

    def block_costs(self, number: int) -> Any:
        """Returns the costs kept with a block."""
        return read_json(self._block(number).with_suffix(".json"))

    def finish(self, blocks: int, *, record: dict[str, Any], costs: dict[str, Any]) -> None:
        """Joins the blocks and moves the finished cell into place."""
        parts = [read_predictions(self._block(number)) for number in range(blocks)]
        whole = self.partial / "whole"
        shutil.rmtree(whole, ignore_errors=True)  # a kill may have left a file half written in it
        whole.mkdir()
        write_predictions(
            whole / PREDICTIONS_FILE,
            [row for part in parts for row in part.rows],
            [made for part in parts for made in part.predictions],
        )
        atomic_write(whole / COSTS_FILE, pretty_json(costs))
        atomic_write(whole / CELL_FILE, pretty_json(record))
        if not (self.final / CELL_FILE).is_file():  # somebody took files out of it
            shutil.rmtree(self.final, ignore_errors=True)
        move_folder(whole, self.final)
        shutil.rmtree(self.partial, ignore_errors=True)

    def _block(self, number: int) -> Path:
        return self.partial / f"block-{number:05d}.parquet"

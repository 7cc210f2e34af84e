"""Predictions as Parquet: the same predictions give the same bytes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.core.errors import DataError
from harness.core.files import atomic_path
from harness.core.types import Example, Prediction

PREDICTION_COLUMNS = ("row", "output", "failure", "probabilities")
EXAMPLE_COLUMNS = ("row", "target")


@dataclasses.dataclass(frozen=True, slots=True)
class StoredPredictions:
    """The predictions of one cell, in test order.

    Attributes:
        rows: The test rows' numbers.
        predictions: What was predicted for each.
    """

    rows: tuple[int, ...]
    predictions: tuple[Prediction, ...]


def write_predictions(path: Path, rows: Sequence[int], predictions: Sequence[Prediction]) -> None:
    """Writes predictions, whole or not at all."""
    import pyarrow as pa

    table = pa.table(
        {
            "row": pa.array(rows, pa.int64()),
            "output": pa.array([made.output for made in predictions], pa.string()),
            "failure": pa.array([made.failure for made in predictions], pa.string()),
            "probabilities": pa.array(
                [made.probabilities for made in predictions], pa.list_(pa.float64())
            ),
        }
    )
    _write(table, path)


def read_predictions(path: Path) -> StoredPredictions:
    """Reads what :func:`write_predictions` wrote.

    Raises:
        DataError: The file is missing or damaged.
    """
    columns = _read(path, PREDICTION_COLUMNS, delete=path.parent)
    made = [
        Prediction(output, None if shares is None else tuple(shares), failure)
        for output, failure, shares in zip(
            columns["output"], columns["failure"], columns["probabilities"], strict=True
        )
    ]
    return StoredPredictions(tuple(columns["row"]), tuple(made))


def write_examples(path: Path, examples: Sequence[Example]) -> None:
    """Writes test rows with their labels: what predictions are compared with."""
    import pyarrow as pa

    names = list(examples[0].fields) if examples else []
    table = pa.table(
        {"row": pa.array([example.row for example in examples], pa.int64())}
        | {"target": pa.array([example.target for example in examples], pa.string())}
        | {f"field:{name}": [example.fields[name] for example in examples] for name in names}
    )
    _write(table, path)


def read_examples(path: Path) -> list[Example]:
    """Reads what :func:`write_examples` wrote.

    Raises:
        DataError: The file is missing or damaged.
    """
    columns = _read(path, EXAMPLE_COLUMNS, delete=path)
    names = [name for name in columns if name.startswith("field:")]
    return [
        Example(
            row=row,
            fields={name.removeprefix("field:"): columns[name][place] for name in names},
            target=columns["target"][place],
        )
        for place, row in enumerate(columns["row"])
    ]


def _write(table: Any, path: Path) -> None:
    import pyarrow.parquet as pq

    with atomic_path(path) as aside:
        pq.write_table(table, aside, compression="zstd")


def damaged(path: Path, found: object, *, delete: Path) -> DataError:
    """Returns the error for a run's file that cannot be read, with what to delete."""
    return DataError(
        "this file of a run is missing or damaged",
        where=str(path),
        found=str(found),
        hint=f"delete {delete} and run the same command again: it is written anew",
    )


def _read(path: Path, expected: Sequence[str], *, delete: Path) -> dict[str, list[Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        columns: dict[str, list[Any]] = pq.ParquetFile(path).read().to_pydict()
    except (OSError, ValueError, pa.ArrowException) as error:
        raise damaged(path, error, delete=delete) from error
    if absent := [name for name in expected if name not in columns]:
        raise damaged(path, f"no column {', '.join(absent)}", delete=delete)
    return columns

"""Predictions as Parquet: the same predictions give the same bytes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.core.errors import DataError
from harness.core.files import atomic_path
from harness.core.types import Example, Prediction, Target

PREDICTION_COLUMNS = ("row", "output", "outputs", "failure", "probabilities")
EXAMPLE_COLUMNS = ("row", "target", "targets", "choices")


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

    outputs = [made.output for made in predictions]
    table = pa.table(
        {
            "row": pa.array(rows, pa.int64()),
            **_one_or_several("output", outputs),
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
            _joined(columns, "output"), columns["failure"], columns["probabilities"], strict=True
        )
    ]
    return StoredPredictions(tuple(columns["row"]), tuple(made))


def write_examples(path: Path, examples: Sequence[Example]) -> None:
    """Writes test rows with what is right: what predictions are compared with."""
    import pyarrow as pa

    names = list(examples[0].fields) if examples else []
    table = pa.table(
        {"row": pa.array([example.row for example in examples], pa.int64())}
        | _one_or_several("target", [example.target for example in examples])
        | {"choices": pa.array([example.choices for example in examples], pa.list_(pa.string()))}
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
    targets = _joined(columns, "target")
    return [
        Example(
            row=row,
            fields={name.removeprefix("field:"): columns[name][place] for name in names},
            target=targets[place],
            choices=tuple(columns["choices"][place]),
        )
        for place, row in enumerate(columns["row"])
    ]


def _one_or_several(name: str, values: Sequence[Target | None]) -> dict[str, Any]:
    """Returns two columns, each null where the other has the value: texts, and tuples of texts."""
    import pyarrow as pa

    one = [value if isinstance(value, str) else None for value in values]
    several = [value if isinstance(value, tuple) else None for value in values]
    return {
        name: pa.array(one, pa.string()),
        f"{name}s": pa.array(several, pa.list_(pa.string())),
    }


def _joined(columns: dict[str, list[Any]], name: str) -> list[Target | None]:
    """Returns the values that :func:`_one_or_several` made two columns of."""
    pairs = zip(columns[name], columns[f"{name}s"], strict=True)
    return [one if several is None else tuple(several) for one, several in pairs]


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

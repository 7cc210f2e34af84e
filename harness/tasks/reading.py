"""From a task's sources to examples: the first source that is there, its columns as fields."""

from __future__ import annotations

import dataclasses
import functools
import math
import os
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from harness.core.errors import DataError, UserError, shorten
from harness.core.types import Example, FieldValue, Label
from harness.tasks.definition import TaskFile, source_format
from harness.tasks.kinds.base import Kind
from harness.tasks.source_schema import FieldType, Source
from harness.tasks.sources.base import NotHereError, SourceReader, Table

TRUTH = {"true": True, "1": True, "false": False, "0": False}


def data_roots(file: TaskFile, data_dir: Path | None) -> list[Path]:
    """Returns the folders in which data files are looked up: the data folder, then the YAML's.

    Args:
        file: The task.
        data_dir: The data folder; default: the environment variable ``HARNESS_DATA``.

    Raises:
        UserError: There is no such data folder.
    """
    from_environment = os.environ.get("HARNESS_DATA")
    chosen = data_dir or (Path(from_environment).expanduser() if from_environment else None)
    if chosen is not None and not chosen.is_dir():
        flag = "--data-dir" if data_dir else "HARNESS_DATA"
        raise UserError("there is no such folder", where=flag, found=str(chosen))
    return [*([chosen] if chosen else []), file.path.parent]


def read_tables(file: TaskFile, data_dir: Path | None) -> tuple[Source, dict[str, Table]]:
    """Returns the first source whose data are here, and the table of each of its splits.

    Raises:
        DataError: No source is here (the message lists what was tried and what to do), or one is
            here and is not what the task YAML says.
    """
    roots = data_roots(file, data_dir)
    tried: list[str] = []
    for index, source in enumerate(file.definition.data):
        field = ("data", index)
        reader: SourceReader = source_format(source, file.yaml, field).load()()
        try:
            tables = reader.read(source, roots, file.yaml, field)
        except NotHereError as error:
            tried += error.tried
            continue
        for table in tables.values():
            if not table.rows:
                raise DataError("there are no rows", where=table.place)
        return source, tables
    homepage = file.definition.homepage
    listed = "".join(f"\n    - {shorten(line, 300)}" for line in tried)
    raise DataError(
        f"the data of the task {file.name!r} are not here; tried:{listed}",
        where=file.yaml.where(("data",)),
        hint="name the folder that holds the files with --data-dir or HARNESS_DATA, or put them "
        f"beside {file.path}" + (f"; the publisher: {homepage}" if homepage else ""),
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Split:
    """The examples of a split, in order.

    Attributes:
        examples: The examples.
        numbers: For each the number of the row, in its table, that it was made from.
        table: The rows.
    """

    examples: tuple[Example, ...]
    numbers: tuple[int, ...]
    table: Table

    def column(self, name: str) -> list[str]:
        """Returns the value of a column for every example."""
        return [self.table.rows[number][name] for number in self.numbers]


def to_examples(
    rules: Kind[Any, Any], source: Source, table: Table, rows: Collection[int], *, labelled: bool
) -> Split:
    """Returns rows of a table as examples, in order.

    Args:
        rules: The task's.
        source: Where the rows come from.
        table: The table.
        rows: The numbers of the rows that are meant, rising.
        labelled: Whether the rows have targets.

    Raises:
        DataError: A row has no text, no target, or a value of the wrong type.
    """
    examples: list[Example] = []
    numbers: list[int] = []
    for number in rows:
        row, where = table.rows[number], functools.partial(table.where, number)
        fields: dict[str, FieldValue] = {
            name: _typed(row[column], source.types.get(name, "text"), where(column))
            for name, column in source.fields.items()
        }
        if not rules.text(fields).strip():
            columns = list(source.fields.values())
            raise DataError(
                "this row has no text",
                where=table.where(number, columns[0] if len(columns) == 1 else None),
                expected=f"text in {' or '.join(map(repr, columns))}",
            )
        made = list(rules.examples(source, number, row, fields, where, labelled=labelled))
        examples += made
        numbers += [number] * len(made)
    return Split(tuple(examples), tuple(numbers), table)


def _typed(text: str, kind: FieldType, where: str) -> FieldValue:
    """Returns a column's text as the type that the task YAML gives it; empty is None."""
    if kind == "text":
        return text
    if not text.strip():
        return None
    value = _parsed(text.strip(), kind)
    if value is None:
        raise DataError("wrong value", where=where, found=text, expected=f"a value of type {kind}")
    return value


def _parsed(text: str, kind: FieldType) -> FieldValue:
    if kind == "boolean":
        return TRUTH.get(text.lower())
    if kind == "integer":
        return int(text) if re.fullmatch(r"[+-]?[0-9]{1,18}", text) else None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def check_targets(
    rules: Kind[Any, Any], source: Source, split: Split, labels: Sequence[Label]
) -> None:
    """Makes sure that the rows of a split have valid targets.

    Raises:
        DataError: One has not; the message names its line and column.
    """

    def where(example: Example) -> str:
        number = split.numbers[split.examples.index(example)]
        return split.table.where(number, source.target_column)

    rules.check_targets(split.examples, labels, where)

"""Two domains of a task: which rows are of which, and which source rows may be learnt from."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from harness.core.errors import DataError, nearest, shorten
from harness.core.types import Example
from harness.tasks.definition import TaskFile
from harness.tasks.kinds.base import Kind
from harness.tasks.source_schema import Domain, Source
from harness.tasks.sources.base import Table
from harness.tasks.splits import normalised

SOURCE = "source"
"""The name of the split that holds the source domain's rows."""


@dataclasses.dataclass(frozen=True, slots=True)
class LeftOut:
    """Rows of a task with two domains that are neither learnt from nor tested on.

    Attributes:
        neither: How many rows have another value in the column of the domains, by that value.
        out_of_scope: How many rows of the source domain have the out-of-scope label.
        leaked: How many rows of the source domain have the text of a test row.
    """

    neither: Mapping[str, int] = dataclasses.field(default_factory=dict)
    out_of_scope: int = 0
    leaked: int = 0


Part = tuple[Table, Collection[int]]
"""A table, and the numbers of its rows that are meant."""


def divide(
    file: TaskFile, source: Source, tables: Mapping[str, Table]
) -> tuple[dict[str, Part], Mapping[str, int]]:
    """Divides the rows of a source by its column of domains.

    The source domain gives its train rows (with ``all``, all of its rows), the target domain the
    rows of every split.

    Args:
        file: The task, for messages.
        source: The source of the data.
        tables: The table of each of its splits.

    Returns:
        For each split, ``source`` among them where there are two domains, the table and the
        numbers of its rows; and how many rows are of neither domain, by their value.

    Raises:
        DataError: There are no rows of one of the domains.
    """
    domain = source.domain
    if domain is None:
        return {name: (table, range(len(table.rows))) for name, table in tables.items()}, {}
    pool = "all" if "all" in tables else "train"
    tested = "test" if "test" in tables else pool
    if pool not in tables:
        raise DataError(
            "there are no rows to take the source domain from",
            where=_where(file, source, "domain"),
            found=f"the splits {', '.join(tables)}",
            expected="a split `train` or `all`",
        )
    for role, split in (("source", pool), ("target", tested), ("target", "unlabelled")):
        if split in tables:
            _check_there(file, source, domain, role, split, tables[split])
    parts: dict[str, Part] = {
        name: (table, _rows_of(table, domain.column, domain.target))
        for name, table in tables.items()
    }
    parts[SOURCE] = (tables[pool], _rows_of(tables[pool], domain.column, domain.source))
    values = Counter(row[domain.column] for table in tables.values() for row in table.rows)
    known = {domain.source, domain.target}
    return parts, {value: count for value, count in values.most_common() if value not in known}


def source_pool(
    file: TaskFile, rows: Sequence[Example], test: Sequence[Example], neither: Mapping[str, int]
) -> tuple[tuple[Example, ...], LeftOut]:
    """Returns the source domain's rows that may be learnt from, and what was left out.

    Rows out of scope are left out, as they are of the target's training pool, and so are rows with
    the text of a test row (case, punctuation, white space aside).

    Args:
        file: The task.
        rows: The labelled rows of the source domain; none where there is one domain only.
        test: The test rows.
        neither: How many rows are of neither domain, by their value.

    Raises:
        DataError: There are rows, and all of them are left out.
    """
    inside = in_scope(file.rules, rows)
    tested = set(_texts(file, test)) if inside else set()
    kept = [
        row for row, text in zip(inside, _texts(file, inside), strict=True) if text not in tested
    ]
    left = LeftOut(neither, len(rows) - len(inside), len(inside) - len(kept))
    if rows and not kept:
        raise DataError(
            "no row of the source domain is left to learn from",
            where=file.yaml.where(("data",)),
            found=f"{len(rows)} rows, {left.out_of_scope} of them out of scope and {left.leaked} "
            "with the text of a test row",
        )
    return tuple(kept), left


def in_scope(rules: Kind[Any, Any], rows: Sequence[Example]) -> list[Example]:
    """Returns the rows that have one of the labels, in order."""
    outside = rules.out_of_scope
    return [row for row in rows if outside is None or row.target != outside]


def _texts(file: TaskFile, rows: Sequence[Example]) -> list[str]:
    return [normalised(file.rules.text(row.fields)) for row in rows]


def _rows_of(table: Table, column: str, value: str) -> list[int]:
    return [number for number, row in enumerate(table.rows) if row[column] == value]


def _check_there(
    file: TaskFile, source: Source, domain: Domain, role: str, split: str, table: Table
) -> None:
    """Makes sure that a split has rows of the domain that plays a role."""
    value: str = getattr(domain, role)
    found = Counter(row[domain.column] for row in table.rows)
    if value in found:
        return
    close = nearest(value, [one for one in found if one not in (domain.source, domain.target)])
    listed = ", ".join(f"{one!r} ({count} rows)" for one, count in found.most_common())
    raise DataError(
        f"the split {split!r} has no row of the {role} domain",
        where=_where(file, source, "domain", role),
        found=value,
        expected=f"one of the values of the column {domain.column!r}: {shorten(listed, 400)}",
        hint=f"did you mean {close!r}?" if close else None,
    )


def _where(file: TaskFile, source: Source, *field: str) -> str:
    return file.yaml.where(("data", file.definition.data.index(source), *field))

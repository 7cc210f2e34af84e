"""Which rows of a file a task can read."""

from __future__ import annotations

from collections.abc import Mapping

from harness.core.errors import DataError
from harness.tasks.proposal.draft import Rows, Shape
from harness.tasks.proposal.tables import RawTable

MAY_BE_EMPTY = ("multi_label", "extraction")


def readable(tables: Mapping[str, RawTable], shape: Shape) -> tuple[dict[str, Rows], list[str]]:
    """Returns the rows that a task can read, and why copies are made of the files, if they are.

    Rows without a text are left out; those without a label are unlabelled ones.
    """
    rows: dict[str, Rows] = {}
    reasons = [
        f"{table.path.name}: {table.unclean}"
        for table in tables.values()
        if table.path and table.unclean
    ]
    unlabelled: list[Mapping[str, str]] = []
    for split, table in tables.items():
        texts = [row for row in table.rows if any(row[c].strip() for c in shape.fields.values())]
        complete = [row for row in texts if split == "unlabelled" or _has_target(row, shape)]
        file = table.path.name if table.path else table.place
        if without := len(table.rows) - len(texts):
            reasons.append(f"{file}: {without} rows without a text are left out")
        if without := len(texts) - len(complete):
            kept = "left out" if split == "test" else "kept apart as unlabelled ones"
            reasons.append(f"{file}: {without} rows without a {shape.sought} are {kept}")
            if split != "test":
                unlabelled += [row for row in texts if not _has_target(row, shape)]
        rows[split] = complete
    if unlabelled and "unlabelled" not in rows:
        rows = {"train" if split == "all" else split: some for split, some in rows.items()}
        rows["unlabelled"] = unlabelled
    for split, some in rows.items():
        if not some:
            raise DataError(
                f"no row has both a text and a {shape.sought}", where=tables[split].place
            )
    return rows, reasons


def _has_target(row: Mapping[str, str], shape: Shape) -> bool:
    return shape.kind in MAY_BE_EMPTY or bool(row[shape.target].strip())

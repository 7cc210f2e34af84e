"""How test rows could be drawn from a file that has none apart."""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Mapping
from typing import Literal

from harness.core.errors import UserError
from harness.tasks.proposal.columns import GROUP, SPLIT, TIME, Column, iso, named, number

SHARE = 0.25
ENOUGH = 1000
"""Test rows; more of them make an interval little narrower, and every method slower."""
WANTED = 200
FEWEST_GROUPS, FEWEST_TIMES = 8, 10
HALF = 0.5


@dataclasses.dataclass(frozen=True, slots=True)
class SplitPlan:
    """A way to draw test rows.

    Attributes:
        test: The share, or the number of the rows.
        key: ``group`` or ``time``; None where rows are drawn by label alone.
        column: The column of that key.
        why: What speaks for it, a line each.
        asked: Whether a flag says so, so that nothing else will do.
    """

    test: float
    key: Literal["group", "time"] | None
    column: str | None
    why: tuple[str, ...]
    asked: bool = False


def split_plans(
    columns: Mapping[str, Column],
    taken: Container[str],
    rows: int,
    *,
    share: float | None,
    group: str | None,
    time: str | None,
    classes: bool,
) -> list[SplitPlan]:
    """Returns the ways to draw test rows, the best first.

    Args:
        columns: What each column looks like.
        taken: Columns that are something else.
        rows: How many rows there are.
        share: The share or number of test rows asked for.
        group: The group column asked for.
        time: The time column asked for.
        classes: Whether rows fall into classes.

    Raises:
        UserError: A column that is asked for is not there, or both are.
    """
    if group and time:
        raise UserError("test rows are drawn by --group or by --time, not both", where="--time")
    test = share if share is not None else _test(rows)
    size = (_size(test, rows),) if share is None else ()
    if group:
        column = named(columns, group, "--group")
        return [SplitPlan(test, "group", group, (_of_group(column), *size), asked=True)]
    if time:
        named(columns, time, "--time")
        return [SplitPlan(test, "time", time, (_of_time(time), *size), asked=True)]
    free = [column for name, column in columns.items() if name not in taken]
    plans = [
        SplitPlan(test, "group", column.name, (_of_group(column), *size))
        for column in free
        if column.called(GROUP) and FEWEST_GROUPS <= column.distinct < column.filled == rows
    ]
    plans += [
        SplitPlan(test, "time", column.name, (_of_time(column.name), *size))
        for column in free
        if _is_time(column) and column.filled == rows
    ]
    stratified = ", each label in proportion" if classes else ""
    plain = f"drawn at random{stratified}; equal texts stay together"
    return [*plans, SplitPlan(test, None, None, (plain, *size))]


def split_column_note(columns: Mapping[str, Column], taken: Container[str]) -> str | None:
    """Returns what to do about a column that says which split a row belongs to, if there is one."""
    for name, column in columns.items():
        if name not in taken and column.called(SPLIT) and column.few:
            return (
                f"the column {name!r} seems to say which split a row belongs to: a task YAML "
                "takes splits from files only, so write the rows of each split into a file of its "
                "own and name them under `files`"
            )
    return None


def _test(rows: int) -> float:
    return ENOUGH if rows * SHARE > ENOUGH else SHARE


def _size(test: float, rows: int) -> str:
    if test >= 1:
        return f"{test:g} of {rows} rows are enough to test on"
    count = round(test * rows)
    if count < WANTED:
        return f"about {count} rows: with fewer than {WANTED}, intervals will be wide"
    return f"about {count} rows"


def _is_time(column: Column) -> bool:
    if not column.called(TIME) or column.distinct < FEWEST_TIMES:
        return False
    return all(iso(value.strip()) and number(value) is None for value in column.values)


def _of_group(column: Column) -> str:
    return (
        f"all rows of one {column.name} ({column.distinct} in {column.filled} rows) stay together, "
        "so that the test rows are of others than those trained on"
    )


def _of_time(name: str) -> str:
    return f"the latest rows by {name}: trained on the past, tested on what came after"

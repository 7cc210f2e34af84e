"""Label budgets, and the seeded draws of training rows they allow.

Rows are ordered by the sha256 of seed, draw and row number, never by a library's generator: the
same draw gives the same rows on every machine and for every version, and a larger budget of one
kind holds the smaller one.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Self

from harness.core.errors import UserError
from harness.core.files import hash_json, read_json, sha256_bytes
from harness.core.types import Example, Label

EXPECTED = (
    "8/class, 100, all, 0, rows:FILE.json; or source, source+8/class, source+all where a task has "
    "a source domain"
)
SOURCE = "source"


@dataclasses.dataclass(frozen=True, slots=True)
class Budget:
    """How many labelled training examples a method may see.

    Attributes:
        kind: ``class`` (so many of each label), ``total``, ``all``, or ``rows`` (listed).
        count: The number, for ``class`` and ``total``.
        rows: The row numbers in the train file, a tuple for each draw, for ``rows``.
        spelling: What stands after ``rows:``: the file, or a hash of rows given in Python.
        source: Whether the source domain's rows are seen beside these, all of them. With no other
            rows the kind is ``total`` and the count 0.
    """

    kind: Literal["class", "total", "all", "rows"]
    count: int = 0
    rows: tuple[tuple[int, ...], ...] = ()
    spelling: str = ""
    source: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads a budget as users write it: ``8/class``, ``100``, ``all``, ``0``, ``rows:FILE``.

        ``source`` is all rows of a source domain, ``source+8/class`` these and 8 of each label. A
        relative file is relative to the current folder.

        Raises:
            UserError: It is none of these, or the file is not a list of lists of row numbers.
        """
        text = text.strip()
        if text == SOURCE:
            return cls("total", source=True)
        if text.startswith(f"{SOURCE}+"):
            return cls._beside_source(text)
        if text == "all":
            return cls("all")
        if text.startswith("rows:"):
            name = text.removeprefix("rows:")
            return cls("rows", rows=_read_rows(Path(name).expanduser()), spelling=name)
        match = re.fullmatch(r"([0-9]{1,9})(/class)?", text)
        count = int(match[1]) if match else 0
        if match is None or (match[2] and count == 0):
            raise UserError("not a label budget", found=text, expected=EXPECTED)
        return cls("class" if match[2] else "total", count)

    @classmethod
    def _beside_source(cls, text: str) -> Self:
        """Reads what stands after ``source+``."""
        beside = cls.parse(text.removeprefix(f"{SOURCE}+"))
        if beside.source or str(beside) == "0":
            raise UserError(
                "not a label budget", found=text, expected=EXPECTED,
                hint="write `source` where no row of the target domain shall be learnt from",
            )  # fmt: skip
        return dataclasses.replace(beside, source=True)

    @classmethod
    def of_rows(cls, rows: Sequence[Sequence[int]]) -> Self:
        """Returns a budget that is row numbers of the train file, one list for each draw.

        Raises:
            UserError: A list is empty, or holds a row twice or something that is no row number.
        """
        checked = _checked_rows(rows, where=None)
        return cls("rows", rows=checked, spelling=hash_json(checked)[:12])

    @property
    def draws(self) -> int | None:
        """How many different draws there are; None where there are as many as one likes."""
        if self.kind == "rows":
            return len(self.rows)
        return 1 if self.kind == "all" or self.count == 0 else None

    @property
    def is_whole(self) -> bool:
        """Whether every draw has the same rows, some at least, so that only seeds can differ."""
        return self.kind == "all" or str(self) == SOURCE

    def __str__(self) -> str:
        written = {
            "class": f"{self.count}/class",
            "total": str(self.count),
            "all": "all",
            "rows": f"rows:{self.spelling}",
        }[self.kind]
        if self.source:
            return SOURCE if written == "0" else f"{SOURCE}+{written}"
        return written


def no_source_domain(task: str, budget: Budget) -> UserError:
    """Returns what is wrong with a budget of source rows for a task that has none."""
    return UserError(
        f"the task {task!r} has no source domain",
        where="--labels",
        found=str(budget),
        expected="a budget of the task's own rows, such as 8/class or all",
        hint="a task YAML names one with `domain:`, or with a file `source:` (tasks/README.md)",
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Draw:
    """The training rows of one draw.

    Attributes:
        rows: Their positions in the training pool, in the order drawn.
        short: For a budget of n a class: the labels with fewer rows than that, and how many.
    """

    rows: tuple[int, ...]
    short: Mapping[str, int] = dataclasses.field(default_factory=dict)


def draw(
    pool: Sequence[Example],
    labels: Sequence[Label],
    budget: Budget,
    *,
    seed: int = 0,
    draw: int = 0,
) -> Draw:
    """Draws training rows; those of a source domain, which are never drawn, come beside them.

    ``n/class`` takes the first n rows of each label, label by label, or all where there are
    fewer; a row with several labels counts for each and is drawn once. A total takes the first
    row of every label, in the order in which they come, and then the other rows; so it is at
    natural frequency, with every label in it where it is large enough.

    Args:
        pool: The training pool.
        labels: The task's labels.
        budget: How many.
        seed: Another seed gives other draws.
        draw: The number of the draw, from 0.

    Raises:
        UserError: The pool is empty or smaller than the budget, or lacks a row that it lists.
    """
    if not pool and str(budget) not in ("0", SOURCE):
        raise UserError(
            "this task has no training rows",
            found=f"the label budget {budget}",
            hint="`source` needs none of the target domain"
            if budget.source
            else "zero_shot and label_embedding need none",
        )
    if budget.kind == "all":
        return Draw(tuple(range(len(pool))))
    if budget.kind == "rows":
        return Draw(_listed(pool, budget, draw))
    order = sorted(range(len(pool)), key=lambda place: _order(seed, draw, pool[place].row))
    by_label: dict[str, list[int]] = {label.name: [] for label in labels}
    for place in order:
        for name in _classes(pool[place]):
            if name in by_label:
                by_label[name].append(place)
    if budget.kind == "total":
        return Draw(_total(budget, order, {places[0] for places in by_label.values() if places}))
    rows = dict.fromkeys(place for places in by_label.values() for place in places[: budget.count])
    had = {name: len(places) for name, places in by_label.items()}
    return Draw(tuple(rows), {name: n for name, n in had.items() if n < budget.count})


def _classes(example: Example) -> tuple[str, ...]:
    """Returns the labels of an example."""
    return example.target if isinstance(example.target, tuple) else (str(example.target),)


def _total(budget: Budget, order: list[int], first: set[int]) -> tuple[int, ...]:
    """Returns so many positions: the first of every label, then the others, each in order."""
    if budget.count > len(order):
        raise UserError(
            "the label budget is larger than the training pool",
            found=str(budget),
            expected=f"at most {len(order)}",
            hint="write `all` for every training row",
        )
    ordered = [place for place in order if place in first]
    ordered += [place for place in order if place not in first]
    return tuple(ordered[: budget.count])


def sample_test(examples: Sequence[Example], limit: int, *, seed: int = 0) -> tuple[Example, ...]:
    """Returns a seeded sample of test rows, in file order; all where there are no more.

    Raises:
        UserError: The limit is not positive.
    """
    if limit < 1:
        raise UserError("the limit of test rows is too small", found=limit, expected="1 or more")
    order = sorted(
        range(len(examples)), key=lambda place: _order(seed, "test", examples[place].row)
    )
    return tuple(examples[place] for place in sorted(order[:limit]))


def _order(seed: int, draw: int | str, row: int) -> str:
    return sha256_bytes(f"{seed}:{draw}:{row}".encode())


def _listed(pool: Sequence[Example], budget: Budget, draw: int) -> tuple[int, ...]:
    if draw >= len(budget.rows):
        raise UserError(
            f"{budget} has no draw number {draw}",
            expected=f"a list of row numbers for each draw; it has {len(budget.rows)}",
        )
    places = {example.row: place for place, example in enumerate(pool)}
    absent = [row for row in budget.rows[draw] if row not in places]
    if absent:
        raise UserError(
            f"draw {draw} of {budget} names rows that are not in the training pool",
            found=absent[:10],
            expected="numbers of rows in the train file, from 0, that have one of the labels",
        )
    return tuple(places[row] for row in budget.rows[draw])


def _read_rows(path: Path) -> tuple[tuple[int, ...], ...]:
    try:
        content = read_json(path)
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", where=str(path)) from None
    except (ValueError, RecursionError) as error:  # ValueError: also of an enormous number
        raise UserError(f"not valid JSON: {error}", where=str(path)) from None
    return _checked_rows(content, where=str(path))


def _checked_rows(content: object, *, where: str | None) -> tuple[tuple[int, ...], ...]:
    expected = "a list of row numbers for each draw, such as [[0, 5, 7], [2, 3, 9]]"
    if not isinstance(content, Sequence) or isinstance(content, str) or not content:
        raise UserError("not lists of row numbers", where=where, found=content, expected=expected)
    for number, rows in enumerate(content):
        place = f"{where}, list {number}" if where else f"list {number}"
        if not isinstance(rows, Sequence) or isinstance(rows, str) or not rows:
            raise UserError("not a list of row numbers", where=place, found=rows, expected=expected)
        seen: set[int] = set()
        for row in rows:
            if type(row) is not int or row < 0:
                raise UserError("not a row number", where=place, found=row, expected=expected)
            if row in seen:
                raise UserError("a row is listed twice", where=place, found=row)
            seen.add(row)
    return tuple(tuple(rows) for rows in content)

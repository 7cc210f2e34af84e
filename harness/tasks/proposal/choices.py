"""Multiple choice: the columns of the choices, and the one that says which is right."""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from harness.core.letters import option_letters
from harness.tasks.proposal.columns import ALIKE, Column, read_json, texts_in

MOST = 26
LISTS = frozenset(
    {"choices", "choice", "options", "option", "endings", "candidates", "alternatives"}
)
RIGHT = frozenset({
    "answer", "answers", "correct", "label", "labels", "gold", "key", "answerkey", "solution",
    "target", "ans", "cop", "right",
})  # fmt: skip
_NUMBERED = re.compile(r"(choice|option|answer|ending|alternative|opt|op|sol|ans)?_?([a-h]|[0-9])")
FEWEST_LETTERS = 3
"""Columns that are called by letters alone are choices only from so many on."""
Names = tuple[Sequence[str], Sequence[str]]


@dataclasses.dataclass(frozen=True, slots=True)
class Choices:
    """How a file says the choices of a row.

    Attributes:
        columns: The column of the lists, or the column of each choice.
        answer: The column that says which is right.
        answer_is: What it says, as a task YAML names it.
    """

    columns: tuple[str, ...]
    answer: str
    answer_is: str


def find_choices(columns: Mapping[str, Column], answer: str | None) -> Choices | None:
    """Returns how a file says the choices of a row; None where it has none.

    Args:
        columns: What each column looks like.
        answer: The column that says which is right, where it is known.
    """
    for found in _candidates(columns):
        rows = _rows([columns[name] for name in found])
        if rows is None:
            continue
        others = {name: one for name, one in columns.items() if name not in found}
        names = [answer] if answer in others else _by_name(others)
        for name in names:
            if says := _says(columns[name].values, rows):
                return Choices(found, name, says)
    return None


def _by_name(columns: Mapping[str, Column]) -> list[str]:
    return [name for name, column in columns.items() if column.called(RIGHT)]


def _candidates(columns: Mapping[str, Column]) -> list[tuple[str, ...]]:
    alike: dict[str, list[str]] = defaultdict(list)
    for name in columns:
        if match := _NUMBERED.fullmatch(re.sub(r"[\W_]+", "_", name.strip().casefold())):
            alike[match[1] or ""].append(name)
    several = [
        tuple(names)
        for prefix, names in alike.items()
        if len(names) >= (2 if prefix else FEWEST_LETTERS)
    ]
    lists = [
        (name,)
        for name, column in columns.items()
        if column.shape in ("list", "object") and column.called(LISTS)
    ]
    return [*lists, *several]


def _rows(columns: Sequence[Column]) -> list[Names] | None:
    """Returns texts and names of the choices of each row; None where nearly all have none."""
    rows = [_row(cells) for cells in zip(*(column.values for column in columns), strict=True)]
    right = sum(1 < len(texts) <= MOST for texts, _ in rows)
    return rows if right >= ALIKE * len(rows) else None


def _row(cells: Sequence[str]) -> Names:
    if len(cells) > 1:
        return [cell for cell in cells if cell.strip()], ()
    value = read_json(cells[0])
    if isinstance(value, dict):
        return texts_in(value.get("text")) or (), texts_in(value.get("label")) or ()
    return texts_in(value) or (), ()


def _says(values: Sequence[str], rows: Sequence[Names]) -> str | None:
    """Returns what a column of answers says, if it fits nearly every row that has one."""
    ways: dict[str, Callable[[Sequence[str], Sequence[str]], Sequence[str]]] = {
        "name": lambda _, names: names,
        "index": lambda texts, _: [str(place) for place in range(len(texts))],
        "number": lambda texts, _: [str(place + 1) for place in range(len(texts))],
        "letter": lambda texts, _: option_letters(len(texts)),
        "text": lambda texts, _: [text.strip() for text in texts],
    }
    filled = [
        (value.strip(), row) for value, row in zip(values, rows, strict=True) if value.strip()
    ]
    for name, known in ways.items():
        fitting = sum(value in known(*row) for value, row in filled if len(row[0]) <= MOST)
        if filled and fitting >= ALIKE * len(filled) and (name != "index" or _from_zero(filled)):
            return name
    return None


def _from_zero(filled: Sequence[tuple[str, Names]]) -> bool:
    """Returns whether numbers begin at 0: one of them is."""
    return any(value == "0" for value, _ in filled)

"""What each column of a table looks like, by its name and by its values."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

from harness.core.errors import UserError, nearest, shorten

Shape = Literal["empty", "number", "date", "address", "list", "object", "text"]
SAMPLE = 5000
"""Values that are looked at closely."""
ALIKE = 0.98
"""The share of values that must look alike; people mistype."""
ROWS_A_VALUE = 2.5
"""A column has few values where each has at least so many rows."""
LONGEST_LABEL = 80  # characters, on average
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.\w+|(?:https?://|www\.)\S+")
_DATE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}(?:[ T,]+\d{1,2}:\d{2}.*)?")

LABEL = frozenset({
    "label", "labels", "class", "classes", "category", "categories", "intent", "intents", "topic",
    "topics", "sentiment", "rating", "ratings", "stars", "star", "target", "tag", "tags", "emotion",
    "emotions", "gold", "polarity", "stance", "inquiry",
})  # fmt: skip
RATING = frozenset({"rating", "ratings", "stars", "star", "score", "grade"})
ANSWER = frozenset({
    "answer", "answers", "span", "spans", "response", "reply", "output", "completion", "reference",
    "summary", "translation", "solution",
})  # fmt: skip
GROUP = frozenset({
    "customer", "client", "user", "thread", "conversation", "dialogue", "dialog", "account",
    "author", "sender", "session", "ticket", "patient", "speaker", "group",
})  # fmt: skip
TIME = frozenset({"date", "time", "timestamp", "datetime", "created", "received", "sent", "day"})
ID = frozenset({"id", "ids", "uuid", "guid", "index", "idx", "nr", "no", "row", "unnamed", "key"})
SPLIT = frozenset({"split", "fold", "partition", "subset"})


@dataclasses.dataclass(frozen=True)
class Column:
    """A column and what its values look like.

    Attributes:
        name: Its name.
        values: Its values in the order of the rows; a missing one is blank.
        filled: How many are not blank.
        distinct: How many different ones there are among these.
        shape: What nearly all of them are.
        words: Words a value has on average.
        characters: Characters a value has on average.
    """

    name: str
    values: Sequence[str]
    filled: int
    distinct: int
    shape: Shape
    words: float
    characters: float

    @property
    def parts(self) -> frozenset[str]:
        """The words that its name is made of, and the whole name."""
        apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", self.name)
        words = re.findall(r"[^\W_]+", apart.casefold())
        return frozenset({*words, "_".join(words)})

    @property
    def few(self) -> bool:
        """Whether its values could be labels: at least two, each on several rows, and short."""
        return (
            self.distinct > 1
            and self.distinct * ROWS_A_VALUE <= self.filled
            and self.characters <= LONGEST_LABEL
        )

    @property
    def identifies(self) -> bool:
        """Whether it numbers or names rows, times or people, and says nothing of a text."""
        if self.shape in ("date", "address", "empty") or self.parts & ID:
            return True
        whole = self.shape == "number" and self.distinct == self.filled
        return whole or bool(self.parts & (GROUP | TIME) and self.words < 2)

    def called(self, names: frozenset[str]) -> bool:
        """Returns whether it is called one of these names, or by words of which one is."""
        return bool(self.parts & names)


def profile(columns: Iterable[str], rows: Sequence[Mapping[str, str]]) -> dict[str, Column]:
    """Returns what each column of a table looks like, by name."""
    return {name: _column(name, [row[name] for row in rows]) for name in columns}


def _column(name: str, values: list[str]) -> Column:
    filled = [value.strip() for value in values if value.strip()]
    some = filled[:: max(1, len(filled) // SAMPLE)]
    count = max(len(some), 1)
    return Column(
        name,
        values,
        len(filled),
        len(set(filled)),
        _shape(some),
        sum(len(value.split()) for value in some) / count,
        sum(map(len, some)) / count,
    )


def _shape(values: Sequence[str]) -> Shape:
    if not values:
        return "empty"
    tests: dict[Shape, Callable[[str], bool]] = {
        "number": lambda value: number(value) is not None,
        "date": is_date,
        "address": lambda value: _ADDRESS.fullmatch(value) is not None,
        "list": lambda value: isinstance(read_json(value), list),
        "object": lambda value: isinstance(read_json(value), dict),
    }
    for shape, test in tests.items():
        if sum(map(test, values)) >= ALIKE * len(values):
            return shape
    return "text"


def number(text: str) -> float | None:
    """Returns the number that a text is."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def is_date(text: str) -> bool:
    """Returns whether a text is a date or a time, of whichever order."""
    return bool(_DATE.fullmatch(text)) or iso(text)


def iso(text: str) -> bool:
    """Returns whether a text is a date in ISO 8601, as splits by time want it."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def read_json(text: str) -> object:
    """Returns the JSON list or object that a text is; None where it is none."""
    if not text.lstrip().startswith(("[", "{")):
        return None
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def texts_in(value: object) -> list[str] | None:
    """Returns a JSON list of plain values as texts; None where it is none."""
    if not isinstance(value, list) or any(isinstance(one, list | dict | None) for one in value):
        return None
    return [one if isinstance(one, str) else json.dumps(one) for one in value]


def named(columns: Mapping[str, Column], name: str, flag: str) -> Column:
    """Returns the column of a flag.

    Raises:
        UserError: There is none of that name; the message says what exists, and the nearest.
    """
    if name not in columns:
        close = nearest(name, columns)
        raise UserError(
            "there is no such column",
            where=flag,
            found=name,
            expected=f"one of {shorten(', '.join(map(repr, columns)), 400)}",
            hint=f"did you mean {close!r}?" if close else None,
        )
    return columns[name]

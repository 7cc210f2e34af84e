"""Columns that hold more than one value: JSON lists and objects, or values with a separator."""

from __future__ import annotations

import json
from typing import Any

from harness.core.errors import DataError


def read_json_cell(text: str, where: str, expected: str) -> Any:
    """Returns the JSON that a cell holds.

    Raises:
        DataError: It holds none.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise DataError(
            "this cell is not JSON", where=where, found=text, expected=expected
        ) from None


def as_texts(value: Any, where: str, expected: str) -> tuple[str, ...]:
    """Returns a JSON list of plain values as texts.

    Raises:
        DataError: It is no list, or holds lists, objects or nulls.
    """
    if not isinstance(value, list) or any(isinstance(one, list | dict | None) for one in value):
        raise DataError("wrong value", where=where, found=value, expected=expected)
    return tuple(one if isinstance(one, str) else json.dumps(one) for one in value)


def read_list(text: str, where: str, *, separator: str | None, expected: str) -> tuple[str, ...]:
    """Returns the values of a cell, each once: a JSON list, or texts between separators.

    An empty cell holds none.

    Raises:
        DataError: It is not such a list.
    """
    if not text.strip():
        return ()
    if separator is None:
        values = as_texts(read_json_cell(text, where, expected), where, expected)
    else:
        values = tuple(part.strip() for part in text.split(separator) if part.strip())
    return tuple(dict.fromkeys(values))

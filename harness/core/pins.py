"""Revisions of what was fetched from a hub, fixed at the first download and used ever after."""

from __future__ import annotations

import json
from pathlib import Path

from filelock import FileLock

from harness.core.cache import cache_dir
from harness.core.errors import UserError
from harness.core.files import atomic_write, pretty_json, read_json


def pin(key: str) -> str | None:
    """Returns the revision recorded for ``key``, or None when nothing was fetched yet."""
    return _pins().get(key)


def record(key: str, revision: str) -> str:
    """Records a revision and returns the one that holds.

    The first one recorded stays, so that processes that start together agree.
    """
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        pins = _pins()
        if key not in pins:
            pins[key] = revision
            atomic_write(path, pretty_json(dict(sorted(pins.items()))))
        return pins[key]


def _path() -> Path:
    return cache_dir() / "pins.json"


def _pins() -> dict[str, str]:
    path = _path()
    if not path.is_file():
        return {}
    try:
        pins = read_json(path)
    except (json.JSONDecodeError, UnicodeDecodeError):
        pins = None
    if not isinstance(pins, dict):
        raise UserError(
            "this file of pinned revisions is damaged",
            where=str(path),
            expected="a JSON object of key and revision",
            hint="delete it; revisions are then pinned anew at the next download",
        )
    return pins

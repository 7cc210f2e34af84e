"""YAML as inert data: every scalar is text, and every value knows its line.

A scalar is never guessed at, so a label ``yes``, ``007`` or ``None`` stays what was written; the
schema converts it where a number or a truth value is wanted. Anchors, aliases, tags, repeated keys
and several documents in a file are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from harness.core.errors import UserError
from harness.core.files import decode_utf8
from harness.core.schema import FieldPath, FieldProblem, Located, YamlModel, spell, validate

__all__ = [
    "FieldPath",
    "FieldProblem",
    "Located",
    "YamlModel",
    "load_yaml",
    "read_value",
    "validate",
]

MAX_BYTES = 1_000_000
MAX_DEPTH = 20

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def load_yaml(path: Path) -> Located:
    """Reads a YAML file whose top level is a mapping.

    Raises:
        UserError: The file cannot be read, is larger than 1 MB, is not UTF-8, is not YAML, nests
            deeper than 20, or uses what is refused; the message names file and line.
    """
    return _parse(_Reader(path), _read_text(path))


def read_value(text: str, *, where: str) -> Any:
    """Returns the value that a text says: a list or mapping in brackets, or a quoted text.

    Raises:
        UserError: It is no such value; the message names ``where``.
    """
    reader = _FlagReader(Path(where))
    data = _parse(reader, f"value: {text}").data
    if data.keys() != {"value"}:
        raise reader.error("not one value", 1, found=text)
    return data["value"]


def _parse(reader: _Reader, text: str) -> Located:
    if odd := _UNPRINTABLE.search(text):
        line = text.count("\n", 0, odd.start()) + 1
        raise reader.error("this character is not allowed in YAML", line, found=odd.group())
    try:
        return reader.document(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = ", ".join(part for part in (error.problem, error.context) if part)
        raise reader.error(f"not valid YAML: {problem}", mark.line + 1 if mark else 1) from None
    except yaml.YAMLError as error:
        raise reader.error(f"not valid YAML: {error}", 1) from None


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", where=str(path)) from None
    if len(data) > MAX_BYTES:
        raise UserError(
            "this YAML file is too large", where=str(path), expected=f"at most {MAX_BYTES} bytes"
        )
    return decode_utf8(data, path)


class _Reader:
    """Builds plain values from the parser's events, which know their lines."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[FieldPath, int] = {}
        self.empty: set[FieldPath] = set()

    def error(self, problem: str, line: int, field: FieldPath = (), **more: Any) -> UserError:
        where = f"{self.path}:{line}" + (f": {spell(field)}" if field else "")
        return UserError(problem, where=where, **more)

    def document(self, events: Iterator[yaml.Event]) -> Located:
        """Returns the one document of a file, a mapping."""
        content = (
            event
            for event in events
            if not isinstance(event, yaml.StreamStartEvent | yaml.DocumentEndEvent)
        )
        if isinstance(next(content), yaml.StreamEndEvent):
            raise self.error("this file is empty", 1, expected="keys and values")
        top = next(content)
        if not isinstance(top, yaml.MappingStartEvent):
            raise self.error(
                "not keys and values", _line(top), expected="lines such as `key: value`"
            )
        data = self.value(top, content, ())
        after = next(content)
        if not isinstance(after, yaml.StreamEndEvent):
            raise self.error("a second document begins here", _line(after), expected="one a file")
        return Located(self.path, data, self.lines, frozenset(self.empty))

    def value(self, event: yaml.Event, events: Iterator[yaml.Event], field: FieldPath) -> Any:
        """Returns the value that begins with ``event``, and notes its line."""
        line = _line(event)
        self.lines.setdefault(field, line)
        if len(field) > MAX_DEPTH:
            raise self.error(f"nested deeper than {MAX_DEPTH}", line)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            name = getattr(event, "anchor", None)
            raise self.error("anchors and aliases are refused", line, field, found=name)
        if getattr(event, "tag", None):
            raise self.error("tags are refused", line, field, found=getattr(event, "tag", None))
        if isinstance(event, yaml.MappingStartEvent):
            return self.mapping(events, field)
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(events, field)
        return event.value if isinstance(event, yaml.ScalarEvent) else None

    def mapping(self, events: Iterator[yaml.Event], field: FieldPath) -> dict[str, Any]:
        data: dict[str, Any] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key = self.key(event, field)
            self.lines[(*field, key)] = _line(event)
            value = self.value(following := next(events), events, (*field, key))
            if _is_empty(following):
                self.empty.add((*field, key))
            else:
                data[key] = value
        return data

    def key(self, event: yaml.Event, field: FieldPath) -> str:
        """Returns a key of a mapping, refusing one that is there already."""
        line = _line(event)
        if not isinstance(event, yaml.ScalarEvent) or event.anchor or event.tag or not event.value:
            raise self.error("a key must be plain text", line, field)
        key = str(event.value)
        if (*field, key) in self.lines:
            first = self.lines[(*field, key)]
            raise self.error(
                "this key is there twice", line, (*field, key), hint=f"the first is in line {first}"
            )
        return key

    def sequence(self, events: Iterator[yaml.Event], field: FieldPath) -> list[Any]:
        data: list[Any] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            place = (*field, len(data))
            if _is_empty(event):
                hint = 'write "" where an empty text is meant'
                raise self.error("this list item is empty", _line(event), place, hint=hint)
            data.append(self.value(event, events, place))
        return data


class _FlagReader(_Reader):
    """Reads what stands in a flag, which has no lines."""

    def error(self, problem: str, line: int, field: FieldPath = (), **more: Any) -> UserError:  # noqa: ARG002
        return UserError(problem, where=str(self.path), **more)


def _line(event: yaml.Event) -> int:
    mark = event.start_mark
    return mark.line + 1 if mark else 1


def _is_empty(event: yaml.Event) -> bool:
    return isinstance(event, yaml.ScalarEvent) and event.value == "" and not event.style

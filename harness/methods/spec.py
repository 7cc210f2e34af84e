"""How a method and its settings are written: ``linear_probe:C=1,max_iter=100``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, cast

from pydantic import ValidationError

from harness.core.errors import UserError, nearest
from harness.methods import METHODS, MethodEntry, Use
from harness.methods.base import Method
from harness.models.catalog import ModelKind


@dataclasses.dataclass(frozen=True, slots=True)
class MethodSpec:
    """A method of the name table with checked settings.

    Attributes:
        entry: Its line in the name table.
        settings: Every setting by name, defaults included.
        given: The settings that differ from the defaults, as users write them.
        uses: What of its entry's uses it has with these settings.
        models: The kinds of model it needs with these settings.
    """

    entry: MethodEntry
    settings: dict[str, Any]
    given: str
    uses: tuple[Use, ...]
    models: tuple[ModelKind, ...]

    def build(self) -> Method:
        """Returns a new method with these settings."""
        return cast("Method", self.entry.load()(**self.settings))


def parse_method(
    text: str, *, where: str | None = None, otherwise: Mapping[str, str] | None = None
) -> MethodSpec:
    """Reads a method's name and settings.

    Args:
        text: The name, and settings if any.
        where: The flag or field it stood in, for messages.
        otherwise: Settings to take where the text says nothing of them.

    Raises:
        UserError: There is no such method or setting, or a value does not fit.
    """
    name, _, rest = text.partition(":")
    entry = METHODS.get(name.strip(), where=where)
    raw: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in rest.split(","))):
        key, equals, value = part.partition("=")
        if not equals or key.strip() in raw:
            raise UserError(
                "a setting is written key=value, each key once",
                where=where,
                found=part,
                expected=f"for example {name}:{_example(entry)}",
            )
        raw[key.strip()] = value.strip()
    method = _construct(entry, {**(otherwise or {}), **raw}, where)
    values = method.stored_settings()
    defaults = entry.load()().stored_settings()
    given = ",".join(f"{key}={values[key]}" for key in values if values[key] != defaults[key])
    return MethodSpec(
        entry,
        values,
        given,
        uses=tuple(use for use in entry.uses if use not in method.unused),
        models=tuple(kind for kind in entry.models if kind not in method.unused),
    )


def describe_settings(entry: MethodEntry) -> list[tuple[str, Any, str]]:
    """Returns name, default and description of each of a method's settings."""
    fields = entry.load().__pydantic_fields__
    return [(name, field.default, field.description or "") for name, field in fields.items()]


def _construct(entry: MethodEntry, raw: dict[str, str], where: str | None) -> Method:
    known = [name for name, _, _ in describe_settings(entry)]
    for key in raw:
        if key not in known:
            close = nearest(key, known)
            raise UserError(
                f"the method {entry.name!r} has no setting {key!r}",
                where=where,
                expected=f"one of {', '.join(known)}" if known else "no settings",
                hint=f"did you mean {close!r}?" if close else None,
            )
    try:
        return cast("Method", entry.load()(**raw))
    except ValidationError as error:
        first = error.errors()[0]
        setting = "".join(map(repr, first["loc"][:1]))
        raise UserError(
            f"the setting {setting} of {entry.name!r} does not fit: {first['msg']}",
            where=where,
            found=first["input"],
            hint=f"harness methods show {entry.name}",
        ) from None


def _example(entry: MethodEntry) -> str:
    described = describe_settings(entry)
    return f"{described[0][0]}=..." if described else "(it has no settings)"

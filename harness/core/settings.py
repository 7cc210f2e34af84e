"""Settings that users write behind a name, ``key=value,...``, and the classes that hold them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast, dataclass_transform

from pydantic import ConfigDict, ValidationError
from pydantic.dataclasses import dataclass as pydantic_dataclass

from harness.core.errors import UserError, nearest

C = TypeVar("C")


@dataclass_transform(kw_only_default=True)
def settings(cls: type[C]) -> type[C]:
    """Makes a class's annotated attributes its settings: keyword-only, checked, and stored."""
    config = ConfigDict(extra="forbid", str_strip_whitespace=True, allow_inf_nan=False)
    return cast("type[C]", pydantic_dataclass(config=config, kw_only=True)(cls))


def describe(cls: Any) -> list[tuple[str, Any, str]]:
    """Returns name, default and description of each setting of a class."""
    fields = cls.__pydantic_fields__
    return [(name, field.default, field.description or "") for name, field in fields.items()]


def stored(instance: Any) -> dict[str, Any]:
    """Returns every setting by name, as given or by default."""
    return {field.name: getattr(instance, field.name) for field in dataclasses.fields(instance)}


def spell_changed(instance: Any) -> str:
    """Returns the settings that differ from the defaults, as users write them."""
    defaults = stored(type(instance)())
    values = stored(instance)
    return ",".join(f"{key}={value}" for key, value in values.items() if value != defaults[key])


def read_pairs(parts: Iterable[str], *, where: str | None, example: str) -> dict[str, str]:
    """Returns the settings that were written, each as text.

    Raises:
        UserError: A part is not key=value, or a key stands there twice.
    """
    raw: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in parts)):
        key, equals, value = part.partition("=")
        if not equals or key.strip() in raw:
            raise UserError(
                "a setting is written key=value, each key once",
                where=where,
                found=part,
                expected=f"for example {example}",
            )
        raw[key.strip()] = value.strip()
    return raw


def construct(
    cls: type[C], raw: Mapping[str, Any], *, owner: str, where: str | None, hint: str | None = None
) -> C:
    """Returns an instance with these settings, and the defaults of the others.

    Args:
        cls: A class made by :func:`settings`.
        raw: Values by name, as text or of their type.
        owner: What the settings belong to, for messages: ``the method 'tfidf'``.
        where: The flag or field they stood in, for messages.
        hint: What to do where a value does not fit.

    Raises:
        UserError: There is no such setting, or a value does not fit.
    """
    known = [name for name, _, _ in describe(cls)]
    for key in raw:
        if key not in known:
            close = nearest(key, known)
            raise UserError(
                f"{owner} has no setting {key!r}",
                where=where,
                expected=f"one of {', '.join(known)}" if known else "no settings",
                hint=f"did you mean {close!r}?" if close else None,
            )
    try:
        return cls(**raw)
    except ValidationError as error:
        first = error.errors()[0]
        setting = "".join(map(repr, first["loc"][:1]))
        raise UserError(
            f"the setting {setting} of {owner} does not fit: {first['msg']}",
            where=where,
            found=first["input"],
            hint=hint,
        ) from None

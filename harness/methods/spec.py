"""How a method and its settings are written: ``linear_probe:C=1,max_iter=100``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, cast

from harness.core.settings import construct, describe, read_pairs, spell_changed, stored
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
        parts: The versions of the methods that it is made of, by name.
    """

    entry: MethodEntry
    settings: dict[str, Any]
    given: str
    uses: tuple[Use, ...]
    models: tuple[ModelKind, ...]
    parts: dict[str, int]

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
    raw = read_pairs(rest.split(","), where=where, example=f"{name}:{_example(entry)}")
    method: Method = construct(
        entry.load(),
        {**(otherwise or {}), **raw},
        owner=f"the method {entry.name!r}",
        where=where,
        hint=f"harness methods show {entry.name}",
    )
    return MethodSpec(
        entry,
        stored(method),
        spell_changed(method),
        uses=tuple(use for use in entry.uses if use not in method.unused),
        models=tuple(kind for kind in entry.models if kind not in method.unused),
        parts={name: METHODS.get(name).version for name in method.parts},
    )


def describe_settings(entry: MethodEntry) -> list[tuple[str, Any, str]]:
    """Returns name, default and description of each of a method's settings."""
    return describe(entry.load())


def _example(entry: MethodEntry) -> str:
    described = describe_settings(entry)
    return f"{described[0][0]}=..." if described else "(it has no settings)"

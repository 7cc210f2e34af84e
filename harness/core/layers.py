"""YAML in layers: what a file includes lies under it, what the command line sets lies over it."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from harness.core.errors import UserError
from harness.core.files import inside
from harness.core.lookup import Folder, find
from harness.core.schema import FieldPath, Located, spell
from harness.core.yaml import MAX_DEPTH, load_yaml, read_value

INCLUDE = ("include",)
DEPTH = 5
"""Files that may include each other in a row, beyond the first."""
FLAG = "--set"
BRACKETS = "[{\"'"
_NOTHING = object()


def load_layers(path: Path, folder: Folder, *, own: Collection[str] = ()) -> Located:
    """Reads a YAML file and the file that its key ``include`` names, if it has one.

    What is included may be a file beside the including one or below its folder (``OTHER.yaml``),
    or a bare name that is looked up as everywhere. A key at the top level of the including file
    replaces that of the included one as a whole; one without a value takes it away.

    Args:
        path: The file.
        folder: Where bare names are looked up.
        own: Keys that are not inherited.

    Raises:
        UserError: As for ``load_yaml``, for each of the files; or an include that leads to
            nothing, out of its folder, back to a file that includes it, or too deep.
    """
    return _load(path, folder, own, ())


def _load(path: Path, folder: Folder, own: Collection[str], above: tuple[Path, ...]) -> Located:
    located = load_yaml(path)
    if INCLUDE in located.empty:
        raise UserError("this key has no value", where=located.where(INCLUDE))
    if INCLUDE[0] not in located.data:
        return located
    chain = (*above, path.resolve())
    target = _included(located, folder)
    if target.resolve() in chain:
        raise UserError(
            "this include leads back to a file that includes it",
            where=located.where(INCLUDE),
            found=located.data["include"],
            hint="a file of the name of a shipped one cannot include that one by its name",
        )
    if len(chain) > DEPTH:
        raise UserError(f"included deeper than {DEPTH} files", where=located.where(INCLUDE))
    return _over(located, _load(target, folder, own, chain), own)


def _included(located: Located, folder: Folder) -> Path:
    """Returns the file that an include means."""
    name, where = located.data["include"], located.where(INCLUDE)
    if not isinstance(name, str):
        raise UserError(
            "wrong value", where=where, found=name,
            expected="the name of a file beside this one, such as other.yaml, or a name from "
            f"`harness {folder} list`",
        )  # fmt: skip
    if "/" in name or name.endswith((".yaml", ".yml")):
        inside(located.path.parent, name, where=where)
        path = located.path.parent / name
        if not path.is_file():
            raise UserError("there is no such file", where=where, found=name)
        return path
    try:
        return find(name, folder)
    except UserError as error:
        raise UserError(
            error.problem, where=where, found=error.found, expected=error.expected, hint=error.hint
        ) from None


def _over(located: Located, below: Located, own: Collection[str]) -> Located:
    """Returns a file laid over the one it includes."""
    named = {field[0] for field in located.lines if field}
    taken = {field[0] for field in below.lines if field} - named - {*own, *INCLUDE}
    inherited = {key: value for key, value in below.data.items() if key in taken}
    lines = {field: line for field, line in below.lines.items() if field and field[0] in taken}
    others: dict[FieldPath, Path | str] = {(key,): below.path for key in taken}
    others |= {field: place for field, place in below.others.items() if field[0] in taken}
    return dataclasses.replace(
        located,
        data=inherited | {key: value for key, value in located.data.items() if key not in INCLUDE},
        lines={**lines, **located.lines},
        empty=located.empty | {field for field in below.empty if field[0] in taken},
        others=others,
    )


def with_settings(located: Located, settings: Sequence[str]) -> Located:
    """Returns a file with some of its values set, as by ``--set key=value``.

    A key is a path whose steps are separated by dots (``data.0.label``). A value that begins with
    a bracket or a quote is read as YAML, any other is text as it stands; an empty one takes the
    key away. A place just behind the end of a list adds to it.

    Raises:
        UserError: A setting has another form, or leads to no place; the message names it.
    """
    for setting in settings:
        located = _with(located, setting)
    return located


def _with(located: Located, setting: str) -> Located:
    key, equals, text = setting.partition("=")
    steps = key.strip().split(".")
    if not equals or not all(steps) or len(steps) > MAX_DEPTH or steps[0] == "include":
        raise UserError(
            "this cannot be set", where=FLAG, found=setting,
            expected="KEY=VALUE, such as splits.test=0.3 or prompt=intent_v2",
        )  # fmt: skip
    where = f"{FLAG} {key.strip()}"
    value: Any = text.strip()
    if value.startswith(tuple(BRACKETS)):
        value = read_value(value, where=where)
    data, field = _put(located.data, steps, _NOTHING if value == "" else value, where, ())
    above = {field[:depth] for depth in range(1, len(field))}
    empty = {one for one in located.empty if one[: len(field)] != field and one not in above}
    return dataclasses.replace(
        located,
        data=data,
        lines={one: line for one, line in located.lines.items() if one[: len(field)] != field},
        empty=frozenset(empty | ({field} if value == "" else set())),
        others={
            **{one: place for one, place in located.others.items() if one[: len(field)] != field},
            field: FLAG,
        },
    )


def _put(
    node: Any, steps: Sequence[str], value: Any, where: str, above: FieldPath
) -> tuple[Any, FieldPath]:
    """Returns a copy of a value with another put in at some steps below, and its field path."""
    step, rest = steps[0], steps[1:]
    if isinstance(node, dict):
        field: FieldPath = (*above, step)
        put, end = _put(node.get(step, {}), rest, value, where, field) if rest else (value, field)
        others = {key: one for key, one in node.items() if key != step}
        return (node | {step: put} if put is not _NOTHING else others), end
    if isinstance(node, list):
        place = _place(step, node, where, above)
        field = (*above, place)
        below = node[place] if place < len(node) else {}
        put, end = _put(below, rest, value, where, field) if rest else (value, field)
        if put is _NOTHING:
            raise UserError("a list item cannot be taken away", where=where, hint="set the list")
        return [*node[:place], put, *node[place + 1 :]], end
    raise UserError(
        f"there is nothing below {spell(above)}: it is a text", where=where, found=node,
        expected=f"{'.'.join(map(str, above))}={{...}}, which replaces it",
    )  # fmt: skip


def _place(step: str, items: Sequence[Any], where: str, above: FieldPath) -> int:
    if step.isascii() and step.isdecimal() and len(step) < 10 and int(step) <= len(items):
        return int(step)
    raise UserError(
        f"{spell(above)} is a list", where=where, found=step,
        expected=f"a place from 0 to {len(items) - 1}, or {len(items)} to add one",
    )  # fmt: skip

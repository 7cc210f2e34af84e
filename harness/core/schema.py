"""Schemas of files that people write: pydantic models whose errors name file, line and field."""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar, Union

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from harness.core.errors import UserError, nearest, shorten

FieldPath = tuple[str | int, ...]
M = TypeVar("M", bound=BaseModel)


class YamlModel(BaseModel):
    """Base of the schemas of our YAML files: unchangeable, and no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldProblem(ValueError):  # noqa: N818
    """What a validator of a schema found wrong; :func:`validate` adds the file and the line.

    Args:
        problem: One sentence that says what is wrong.
        field: The path of the value below the one being validated.
        found: What stood there.
        expected: What would have been right.
        hint: What to do next.
    """

    def __init__(
        self,
        problem: str,
        *,
        field: FieldPath = (),
        found: object = None,
        expected: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(problem)
        self.field = field
        self.found = found
        self.expected = expected
        self.hint = hint


@dataclasses.dataclass(frozen=True)
class Located:
    """What a YAML file says, and where it says it.

    Attributes:
        path: The file.
        data: Its content; keys without a value are left out.
        lines: The line (from 1) of each value, and of each key without one, by field path.
        empty: The field paths of the keys without a value.
        others: For what does not stand in the file itself: the file that was included, or the
            flag of the command line, by the field path from which downwards it counts.
    """

    path: Path
    data: dict[str, Any]
    lines: Mapping[FieldPath, int]
    empty: frozenset[FieldPath]
    others: Mapping[FieldPath, Path | str] = dataclasses.field(default_factory=dict, kw_only=True)

    def line(self, field: FieldPath = ()) -> int:
        """Returns the line of a field, or of the nearest thing around it that is there."""
        while field and field not in self.lines:
            field = field[:-1]
        return self.lines.get(field, 1)

    def origin(self, field: FieldPath = ()) -> Path | str:
        """Returns the file that a field stands in, or the flag that set it."""
        while field and field not in self.others:
            field = field[:-1]
        return self.others.get(field, self.path)

    def where(self, field: FieldPath = ()) -> str:
        """Returns ``file:line: field`` or ``--flag field``, as error messages give a place."""
        origin = self.origin(field)
        if isinstance(origin, str):
            return f"{origin} {spell(field)}"
        place = f"{origin}:{self.line(field)}"
        return f"{place}: {spell(field)}" if field else place


def spell(field: FieldPath) -> str:
    """Returns a field path as people write it: ``labels[3].name``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in field)
    return text.removeprefix(".")


def validate(model: type[M], located: Located) -> M:
    """Returns what a YAML file says as an instance of its schema.

    Text becomes numbers and truth values where the schema wants them; unknown keys are refused; a
    key without a value counts as missing.

    Raises:
        UserError: Lists every problem with its file, line and field, what was found, what was
            expected, and the nearest right spelling.
    """
    details: list[ErrorDetails] = []
    try:
        instance = model.model_validate(located.data, extra="forbid")
    except ValidationError as error:
        details = _without_echoes(error.errors(include_url=False))
    problems = [(_field(detail), _explain(model, located, detail)) for detail in details]
    for field in sorted(located.empty, key=spell):
        keys = _known_keys(model, field[:-1])
        if keys and field[-1] not in keys:
            problems.append((field, _unknown_key(model, located, field, None)))
    if not problems:
        return instance
    problems.sort(key=lambda problem: located.line(problem[0]))
    if len(problems) == 1:
        raise problems[0][1]
    listed = "\n".join(problem.describe() for _, problem in problems)
    raise UserError(f"{len(problems)} problems\n{listed}", where=str(located.path))


def _without_echoes(details: list[ErrorDetails]) -> list[ErrorDetails]:
    """Drops the complaint that a list is too short when that is because its items are wrong."""
    wrong = {detail["loc"][:depth] for detail in details for depth in range(len(detail["loc"]))}
    return [
        detail for detail in details if detail["type"] != "too_short" or detail["loc"] not in wrong
    ]


def _field(detail: ErrorDetails) -> FieldPath:
    """Returns the place of a problem; pydantic marks one that lies in a key, not in its value."""
    return tuple(step for step in detail["loc"] if step != "[key]")


def _explain(model: type[BaseModel], located: Located, detail: ErrorDetails) -> UserError:
    field = _field(detail)
    where = located.where(field)
    context = detail.get("ctx", {})
    cause = context.get("error")
    if isinstance(cause, FieldProblem):
        return UserError(
            str(cause),
            where=located.where((*field, *cause.field)),
            found=cause.found,
            expected=cause.expected,
            hint=cause.hint,
        )
    if detail["type"] == "missing":
        problem = "this key has no value" if field in located.empty else "this key is missing"
        return UserError(problem, where=where)
    if detail["type"] == "extra_forbidden":
        return _unknown_key(model, located, field, detail["input"])
    problem, _, expected = str(detail["msg"]).partition("Input should be ")
    close = nearest(
        str(detail["input"]), re.findall(r"'([^']*)'", str(context.get("expected", "")))
    )
    return UserError(
        problem.removeprefix("Value error, ")
        or ("wrong value" if field == detail["loc"] else "unknown key"),
        where=where,
        found=detail["input"],
        expected=expected or None,
        hint=f"did you mean {close!r}?" if close else None,
    )


def _unknown_key(
    model: type[BaseModel], located: Located, field: FieldPath, found: object
) -> UserError:
    known = _known_keys(model, field[:-1])
    close = nearest(str(field[-1]), known)
    return UserError(
        "unknown key",
        where=located.where(field),
        found=found,
        expected=f"one of {shorten(', '.join(known), 400)}" if known else None,
        hint=f"did you mean {close!r}?" if close else None,
    )


def _known_keys(model: type[BaseModel], field: FieldPath) -> list[str]:
    """Returns the keys that the schema knows at a field path; none where keys are free."""
    annotations: list[Any] = [model]
    for step in field:
        annotations = [below for above in annotations for below in _below(above, step)]
    return [key for known in annotations if _is_model(known) for key in known.model_fields]


def _below(annotation: Any, step: str | int) -> Iterable[Any]:
    """Gives the types that the schema wants one step below a value of type ``annotation``."""
    if _is_model(annotation):
        known = annotation.model_fields.get(step)
        return _alternatives(known.annotation) if known else ()
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _alternatives(arguments[1])
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return _alternatives(arguments[0])
    return ()


def _alternatives(annotation: Any) -> Iterator[Any]:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        yield from _alternatives(arguments[0])
    elif origin in (Union, types.UnionType):
        for argument in arguments:
            yield from _alternatives(argument)
    else:
        yield annotation


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)

"""A task YAML read and validated, with no data touched: enough for lists and for planning."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from harness.core.errors import UserError, nearest
from harness.core.layers import load_layers, with_settings
from harness.core.lookup import find
from harness.core.schema import Located, validate
from harness.tasks.kinds import KINDS
from harness.tasks.kinds.base import Kind
from harness.tasks.schema import Definition, with_untyped_text
from harness.tasks.source_schema import Source
from harness.tasks.sources import SOURCES, SourceEntry

INCLUDING = "IncludingDefinition"


@dataclasses.dataclass(frozen=True)
class TaskFile:
    """A task YAML and what it says.

    Attributes:
        name: The task's name.
        definition: What the file says, of the class that belongs to its kind.
        rules: What its kind makes of it.
        yaml: The file itself, with the place of each field: a line of it or of a file that it
            includes, or a flag.
    """

    name: str
    definition: Definition
    rules: Kind[Any, Any]
    yaml: Located

    @property
    def path(self) -> Path:
        """The file that lists the data, which lie beside it: this one, or one it includes."""
        origin = self.yaml.origin(("data",))
        return origin if isinstance(origin, Path) else self.yaml.path


def read_definition(name_or_path: str | Path, overrides: Sequence[str] = ()) -> TaskFile:
    """Reads and validates a task YAML and what it includes; its data are not touched.

    Args:
        name_or_path: A name, looked up in ``./tasks`` and among the shipped tasks, or a path.
        overrides: What to set in it, as ``--set`` takes it: ``splits.test=0.3``.

    Raises:
        UserError: There is no such task, or something in it is wrong; every problem is listed.
    """
    path = find(name_or_path, "tasks")
    yaml = with_settings(load_layers(path, "tasks", own=["name"]), overrides)
    kind = load_kind(yaml.data.get("kind"), where=yaml.where(("kind",)))
    definition = validate(kind.schema, yaml)
    implied = implied_name(path)
    if definition.name not in (None, implied):
        raise UserError(
            "the name differs from the file's",
            where=yaml.where(("name",)),
            found=definition.name,
            expected=repr(implied),
            hint="rename the file, or leave the key out",
        )
    for index, source in enumerate(definition.data):
        source_format(source, yaml, ("data", index))
    return TaskFile(implied, definition, kind(definition), yaml)


def implied_name(path: Path) -> str:
    """Returns the name of the task in a file: the file's, or the folder's of a ``task.yaml``."""
    return path.absolute().parent.name if path.name == "task.yaml" else path.stem


def load_kind(name: Any, *, where: str | None = None) -> type[Kind[Any, Any]]:
    """Returns the code of a task kind.

    Raises:
        UserError: There is no such kind; the message lists what exists.
    """
    if not isinstance(name, str):
        known = ", ".join(KINDS.entries())
        raise UserError("a task needs a kind", where=where, found=name, expected=f"one of {known}")
    kind: type[Kind[Any, Any]] = KINDS.get(name, where=where).load()
    return kind


def source_format(source: Source, yaml: Located, field: tuple[str | int, ...]) -> SourceEntry:
    """Returns the line of the name table that reads a source.

    Raises:
        UserError: There is no such format, or none can be told from the file endings.
    """
    if source.hub is not None:
        return SOURCES.get("hub")
    if source.format is not None:
        return SOURCES.get(source.format, where=yaml.where((*field, "format")))
    by_ending = {ending: entry for entry in SOURCES for ending in entry.endings}
    endings = {Path(name).suffix.lower() for name in (source.files or {}).values()}
    entries = {ending: by_ending.get(ending) for ending in sorted(endings)}
    first, *others = entries.values()
    if first is None or any(other is not first for other in others):
        close = nearest(next(iter(entries)), by_ending)
        raise UserError(
            "the format cannot be told from the file endings",
            where=yaml.where((*field, "files")),
            found=", ".join(entries),
            expected=f"one of {', '.join(by_ending)}, the same for all files",
            hint=f"did you mean {close!r}?" if close else "name it under `format`",
        )
    return first


def json_schema() -> dict[str, Any]:
    """Returns the JSON Schema of task YAMLs of all kinds, for completion in an editor."""
    from pydantic.json_schema import models_json_schema

    models = [entry.load().schema for entry in KINDS]
    references, schema = models_json_schema([(model, "validation") for model in models])
    definitions = with_untyped_text(schema["$defs"])
    including = _including(definitions[model.__name__] for model in models)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "harness task",
        "anyOf": [*references.values(), {"$ref": f"#/$defs/{INCLUDING}"}],
        "$defs": {**definitions, INCLUDING: including},
    }


def _including(schemas: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Returns the schema of a YAML that includes another: any key of any kind, none required."""
    properties: dict[str, list[Any]] = {}
    for schema in schemas:
        for key, value in schema["properties"].items():
            known = properties.setdefault(key, [])
            known += [value] if value not in known else []
    include = {"type": "string", "description": "Task YAML whose keys hold where none are here."}
    alternatives = {
        key: values[0] if len(values) == 1 else {"anyOf": values}
        for key, values in properties.items()
    }
    return {
        "type": "object",
        "description": "A task YAML that inherits from another.",
        "properties": {"include": include, **alternatives},
        "required": ["include"],
        "additionalProperties": False,
    }

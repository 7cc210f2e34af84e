"""What a task YAML may say, shared by all task kinds; what only one kind has is with that kind."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from harness.core.errors import nearest
from harness.core.schema import FieldProblem, YamlModel
from harness.core.types import Label

Part = Literal["train", "validation", "test", "unlabelled", "all"]
FieldType = Literal["text", "integer", "number", "boolean"]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class LabelSpec(YamlModel):
    """A label: its name in the data, its words in a prompt, and what it means."""

    name: str = Field(min_length=1, description="The label as it stands in the data.")
    verbalizer: str | None = Field(
        default=None,
        description="The words that stand for the label; default: the name, _ turned into spaces.",
    )
    description: str = Field(default="", description="What the label means, in a sentence.")

    def label(self) -> Label:
        """Returns the label with its verbalizer filled in."""
        verbalizer = self.name.replace("_", " ") if self.verbalizer is None else self.verbalizer
        return Label(self.name, verbalizer, self.description)


def _name_alone(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


NamedLabel = Annotated[
    LabelSpec, BeforeValidator(_name_alone, json_schema_input_type=str | LabelSpec)
]


class Splits(YamlModel):
    """The split to draw where the data have no test rows of their own."""

    test: float = Field(gt=0, description="Share (below 1) or number of the rows to test on.")
    seed: int = Field(default=0, description="Another seed gives another split.")

    @field_validator("test")
    @classmethod
    def _share_or_count(cls, value: float) -> float:
        if not math.isfinite(value) or (value >= 1 and value != int(value)):
            raise FieldProblem("wrong value", found=value, expected="a share below 1 or a number")
        return value


class Source(YamlModel):
    """One place the data may come from: files, or a data set of the Hugging Face hub."""

    files: dict[Part, str] | None = Field(
        default=None,
        min_length=1,
        description="File of each split, below the data folder or beside the YAML; "
        "the one key `all` where the split is to be drawn.",
    )
    hub: str | None = Field(
        default=None, pattern="^[^/]+(/[^/]+)?$", description="Id of a Hugging Face data set."
    )
    config: str | None = Field(default=None, description="Hub only: name of the configuration.")
    revision: str | None = Field(
        default=None, description="Hub only: branch, tag or commit; pinned at the first download."
    )
    splits: dict[Part, str] | None = Field(
        default=None, min_length=1, description="Hub only: the hub's name of each split."
    )
    format: str | None = Field(
        default=None, description="Files only: csv, jsonl or parquet; default by the file's ending."
    )
    sha256: dict[Part, Sha256] = Field(
        default={}, description="Files only: sha256 of each split's file, in hexadecimal."
    )
    fields: dict[Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$")], str] = Field(
        min_length=1, description="Column of each field, in the order a text is put together."
    )
    types: dict[str, FieldType] = Field(
        default={}, description="Type of each field that is not text."
    )
    group: str | None = Field(
        default=None,
        description="Column whose equal rows (of one customer, say) stay together where test "
        "rows are drawn.",
    )
    time: str | None = Field(
        default=None, description="Column of times: where test rows are drawn, the latest are."
    )

    def columns(self, split: str) -> list[str]:
        """Returns the columns that are read of a split, each once."""
        ordering = [self.group, self.time] if split in ("train", "all") else []
        target = [] if split == "unlabelled" else [self.target_column]
        every = [*self.fields.values(), *ordering, *self.more_columns, *target]
        return list(dict.fromkeys(column for column in every if column is not None))

    @property
    def target_column(self) -> str | None:
        """The column that says what is right; kinds have one."""
        return None

    @property
    def more_columns(self) -> list[str]:
        """Columns that every split has beside the fields."""
        return []

    @field_validator("files", "splits")
    @classmethod
    def _all_alone(cls, value: dict[str, str] | None) -> dict[str, str] | None:
        if value and "all" in value and len(value) > 1:
            raise FieldProblem(
                "`all` stands beside other splits", found=list(value), expected="`all` alone"
            )
        return value

    @field_validator("files")
    @classmethod
    def _relative(cls, value: dict[str, str] | None) -> dict[str, str] | None:
        for split, name in (value or {}).items():
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                raise FieldProblem(
                    "this path leads out of its folder",
                    field=(split,),
                    found=name,
                    expected="a path below the data folder or the task YAML's own",
                )
        return value

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.files is None) == (self.hub is None):
            raise FieldProblem(
                "a source is either files or hub", expected="exactly one of `files` and `hub`"
            )
        place, foreign = ("files", _HUB_KEYS) if self.files is not None else ("hub", _FILE_KEYS)
        for key in foreign & self.model_fields_set:
            raise FieldProblem(f"this key does not go with `{place}`", field=(key,))
        return self

    @model_validator(mode="after")
    def _one_order(self) -> Self:
        if self.group is not None and self.time is not None:
            raise FieldProblem(
                "test rows are drawn by `group` or by `time`, not both", field=("time",)
            )
        return self

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        _check_known("types", self.types, self.fields)
        _check_known("sha256", self.sha256, self.files or {})
        return self


_HUB_KEYS = frozenset({"config", "revision", "splits"})
_FILE_KEYS = frozenset({"format", "sha256"})


class Definition(YamlModel):
    """A task YAML, as far as all kinds share it."""

    name: str | None = Field(
        default=None, description="The file's (or its folder's) name; may be left out."
    )
    version: str = Field(min_length=1, description="Changes whenever a score could change.")
    kind: str = Field(description="The task kind.")
    description: str = Field(default="", description="One line for lists.")
    data: tuple[Source, ...] = Field(
        min_length=1,
        description="Where the data come from; the first source that is there is used.",
    )
    splits: Splits | None = Field(default=None, description="How to draw test rows where none are.")
    prompt: str | None = Field(default=None, description="Name of the prompt used by default.")
    metrics: tuple[str, ...] | None = Field(default=None, description="Default: the kind's.")
    licence: str = Field(default="", description="Licence of the data.")
    citation: str = Field(default="", description="What to cite.")
    homepage: str = Field(default="", description="Where the publisher offers the data.")
    notes: str = Field(default="", description="What a reader of scores should know.")


class LabelledSource(Source):
    """A source whose rows have one label each."""

    label: str = Field(description="The column of the label.")
    label_map: dict[str, str] = Field(
        default={}, description="Label for a value of the column, where they differ."
    )

    @property
    def target_column(self) -> str:
        """The column of the label."""
        return self.label


class LabelListDefinition(Definition):
    """A task with a closed list of labels."""

    labels: tuple[NamedLabel, ...] | None = Field(
        default=None,
        min_length=2,
        description="The labels, in order; default: those found in train (in all rows where test "
        "rows are drawn), sorted.",
    )

    def listed(self) -> tuple[Label, ...]:
        """Returns the labels with their words filled in; none where the data decide."""
        return tuple(spec.label() for spec in self.labels or ())

    @model_validator(mode="after")
    def _labels_differ(self) -> Self:
        if problem := label_problem(self.listed()):
            raise problem
        return self


class LabelledDefinition(LabelListDefinition):
    """A task whose rows have one label each, out of a closed list."""

    data: tuple[LabelledSource, ...] = Field(
        min_length=1,
        description="Where the data come from; the first source that is there is used.",
    )
    out_of_scope: str | None = Field(
        default=None,
        min_length=1,
        description="Label of rows outside all others; counted apart, not among the labels.",
    )

    @model_validator(mode="after")
    def _apart_from_the_labels(self) -> Self:
        for index, label in enumerate(self.labels or ()):
            if label.name == self.out_of_scope:
                raise FieldProblem(
                    "the out-of-scope label stands among the labels",
                    field=("labels", index),
                    found=label.name,
                    hint="take it off the list; out_of_scope names it already",
                )
        return self


def _check_known(key: str, names: Iterable[str], known: Iterable[str]) -> None:
    for name in names:
        if name not in known:
            close = nearest(name, known)
            raise FieldProblem(
                "unknown name",
                field=(key, name),
                found=name,
                expected=f"one of {', '.join(known)}",
                hint=f"did you mean {close!r}?" if close else None,
            )


def label_problem(labels: Iterable[Label]) -> FieldProblem | None:
    """Returns what is wrong with a list of labels: an empty or a repeated name or verbalizer."""
    names: dict[str, str] = {}
    verbalizers: dict[str, str] = {}
    for index, label in enumerate(labels):
        for what, text, seen in (
            ("name", label.name, names),
            ("verbalizer", label.verbalizer, verbalizers),
        ):
            field = ("labels", index)
            if not text.strip():
                return FieldProblem(f"this {what} of a label is empty", field=field, found=text)
            if text in seen:
                return FieldProblem(
                    f"two labels have the same {what}",
                    field=field,
                    found=text,
                    expected=f"a {what} of its own for each label",
                    hint=f"the other one is the label {seen[text]!r}",
                )
            seen[text] = label.name
    return None


def with_untyped_text(schema: Any) -> Any:
    """Returns a JSON Schema in which text may be written as a bare number or truth value.

    We read every scalar as text, an editor does not: to it ``version: 1`` is a number.
    """
    if isinstance(schema, list):
        return [with_untyped_text(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {key: with_untyped_text(value) for key, value in schema.items()}
    is_free = changed.get("type") == "string" and not {"enum", "const"} & changed.keys()
    return {**changed, "type": ["string", "number", "boolean"]} if is_free else changed

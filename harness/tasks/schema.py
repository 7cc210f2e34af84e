"""What a task YAML may say, shared by all task kinds; what only one kind has is with that kind."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from harness.core.schema import FieldProblem, YamlModel
from harness.core.types import Label
from harness.tasks.source_schema import LabelledSource, Source


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

    @property
    def has_source_domain(self) -> bool:
        """Whether the task transfers from one domain to another."""
        return any(source.has_source_domain for source in self.data)

    @model_validator(mode="after")
    def _as_many_domains(self) -> Self:
        for index, source in enumerate(self.data):
            if source.has_source_domain != self.data[0].has_source_domain:
                raise FieldProblem(
                    "one source of the data has a source domain, another has none",
                    field=("data", index),
                    expected="`domain`, or a split `source`, in every source or in none",
                )
        return self


class LabelListDefinition(Definition):
    """A task with a closed list of labels."""

    labels: tuple[NamedLabel, ...] | None = Field(
        default=None,
        min_length=2,
        description="The labels, in order; default: those found in train and in a source domain "
        "(in all rows where test rows are drawn), sorted.",
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

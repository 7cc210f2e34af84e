"""Text pairs: two texts get one label, such as entailment, paraphrase or relevance."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from harness.core.schema import FieldProblem
from harness.core.types import Example
from harness.tasks.kinds.base import Item
from harness.tasks.kinds.labelled import LabelledKind
from harness.tasks.schema import LabelledDefinition

PAIR = 2


class TextPairDefinition(LabelledDefinition):
    """A task YAML of text pairs: the first two fields of a source are the two texts."""

    kind: Literal["text_pair"] = Field(description="Two texts get one label out of a list.")

    @model_validator(mode="after")
    def _two_texts(self) -> Self:
        for index, source in enumerate(self.data):
            if len(source.fields) != PAIR:
                raise FieldProblem(
                    "a pair is two texts",
                    field=("data", index, "fields"),
                    found=", ".join(source.fields),
                    expected="two fields, such as {premise: premise, hypothesis: hypothesis}",
                )
        return self


class TextPair(LabelledKind):
    """Classification of two texts that belong together."""

    name = "text_pair"
    schema = TextPairDefinition

    def items(self, example: Example) -> tuple[Item, ...]:
        """Returns the two texts, in the order of the fields."""
        texts = ("" if value is None else str(value) for value in example.fields.values())
        return (tuple(texts),)

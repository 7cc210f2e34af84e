"""Single-label classification: a text gets one label out of a list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from harness.core.types import FieldValue
from harness.tasks.kinds.base import LabelledKind
from harness.tasks.schema import LabelledDefinition


class SingleLabelDefinition(LabelledDefinition):
    """A task YAML of single-label classification."""

    kind: Literal["single_label"] = Field(description="A text gets one label out of a list.")


class SingleLabel(LabelledKind):
    """Single-label classification."""

    definition = SingleLabelDefinition

    def text(self, fields: Mapping[str, FieldValue]) -> str:
        """Returns the fields that are not empty, in order, a line each."""
        values = (str(value) for value in fields.values() if value is not None)
        return "\n".join(value for value in values if value.strip())

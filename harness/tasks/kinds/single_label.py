"""Single-label classification: a text gets one label out of a list."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.tasks.kinds.labelled import LabelledKind
from harness.tasks.schema import LabelledDefinition


class SingleLabelDefinition(LabelledDefinition):
    """A task YAML of single-label classification."""

    kind: Literal["single_label"] = Field(description="A text gets one label out of a list.")


class SingleLabel(LabelledKind):
    """Single-label classification."""

    name = "single_label"
    schema = SingleLabelDefinition

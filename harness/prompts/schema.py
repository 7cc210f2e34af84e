"""What a prompt YAML may say."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_TITLE = "harness prompt"
Style = Literal["words", "letters"]


class PromptDefinition(BaseModel):
    """A prompt template. The version is part of the file's name: ``intent_v1.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True, title=SCHEMA_TITLE)

    description: str = Field(min_length=1, description="One line that says what it asks for.")
    kinds: list[str] = Field(min_length=1, description="The task kinds it fits.")
    style: Style = Field(
        default="words",
        description="The answer that is scored: the label's words, or its letter in label_list.",
    )
    system: str = Field(
        default="",
        description="The system message; without chat it stands first. Variables: as instruction.",
    )
    instruction: str = Field(
        default="",
        description="What stands once at the top. Variables: labels (the verbalizers), label_list.",
    )
    label_list: str | None = Field(
        default=None,
        description="One line of label_list or choice_list. Variables: label (its words), "
        "description, and with letters letter. "
        'Default: "- {{ label }}", with letters "{{ letter }}. {{ label }}".',
    )
    input: str = Field(
        min_length=1,
        description="An example. Variables: the task's fields, and text (all, a line each); "
        "multiple choice: choices, choice_list; extraction with slots: slot, question.",
    )
    answer: str = Field(
        min_length=1,
        description="The cue and, at its end, {{ label }} or {{ answer }}; after the input.",
    )
    separator: str = Field(
        default="\n\n", description="Between the instruction, the demonstrations and the example."
    )


def json_schema() -> dict[str, Any]:
    """Returns the JSON Schema of a prompt YAML, for editors."""
    return PromptDefinition.model_json_schema()

"""A prompt template: from examples and labels to exactly the text that a model reads."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.core.errors import UserError, nearest
from harness.core.files import hash_json
from harness.core.lookup import find
from harness.core.types import Label
from harness.core.yaml import load_yaml, validate
from harness.prompts.sandbox import SafeTemplate
from harness.prompts.schema import PromptDefinition

LABEL_AT_END = re.compile(r"\{\{(-?)\s*label\s*-?\}\}\s*\Z")
INSTRUCTION_VARIABLES = frozenset({"labels", "label_list"})
LABEL_LINE_VARIABLES = frozenset({"label", "description"})


@dataclasses.dataclass(frozen=True, slots=True)
class Shot:
    """An example as a prompt shows it: its variables, and its label where it is shown."""

    variables: Mapping[str, Any]
    label: Label | None = None


class PromptTemplate:
    """A prompt YAML, ready to render.

    Attributes:
        name: The file's name without its ending.
        kinds: The task kinds it fits.
        content_hash: sha256 over everything that shapes its text.

    Args:
        definition: What its YAML says.
        name: Its name.
        where: Gives the file and line of a field, for messages.
    """

    def __init__(
        self, definition: PromptDefinition, *, name: str, where: Callable[[str], str]
    ) -> None:
        self.name = name
        self.description = definition.description
        self.kinds = tuple(definition.kinds)
        self.separator = definition.separator
        shaping = definition.model_dump(exclude={"description", "kinds"})
        self.content_hash = hash_json(shaping)
        match = LABEL_AT_END.search(definition.answer)
        if match is None:
            raise UserError(
                "the answer must end with {{ label }}: what comes before it is the cue, and the "
                "label is what the model's likelihood is asked for",
                where=where("answer"),
                found=definition.answer,
                expected='for example "Intent: {{ label }}"',
            )
        before = definition.answer[: match.start()]
        cue = before.rstrip()
        self._gap = "" if match[1] else before[len(cue) :]
        self._instruction = SafeTemplate(
            definition.instruction.rstrip(), where=where("instruction")
        )
        self._label_line = SafeTemplate(definition.label_list, where=where("label_list"))
        self._input = SafeTemplate(definition.input.rstrip(), where=where("input"))
        self._cue = SafeTemplate(cue, where=where("answer"))
        _refuse_unknown(self._instruction, INSTRUCTION_VARIABLES)
        _refuse_unknown(self._label_line, LABEL_LINE_VARIABLES)

    def check_variables(self, known: Sequence[str]) -> None:
        """Refuses a template that needs a field the task does not have.

        Raises:
            UserError: Names the template, the variable and the nearest field.
        """
        _refuse_unknown(self._input, frozenset(known))
        _refuse_unknown(self._cue, frozenset(known))

    def head(self, labels: Sequence[Label], demonstrations: Sequence[Shot]) -> str:
        """Returns what comes before the example: instruction and demonstrations."""
        sections = [self._render_instruction(labels)]
        sections += [self._render_demonstration(shot) for shot in demonstrations]
        return "".join(section + self.separator for section in sections if section)

    def tail(self, shot: Shot) -> str:
        """Returns the example without its answer: input and cue."""
        return f"{self._input.render(shot.variables)}\n{self._cue.render(shot.variables)}"

    def continuation(self, label: Label) -> str:
        """Returns what follows the cue when the label is ``label``."""
        return self._gap + label.verbalizer

    def _render_instruction(self, labels: Sequence[Label]) -> str:
        lines = [
            self._label_line.render({"label": label.verbalizer, "description": label.description})
            for label in labels
        ]
        return self._instruction.render(
            {"labels": [label.verbalizer for label in labels], "label_list": "\n".join(lines)}
        )

    def _render_demonstration(self, shot: Shot) -> str:
        if shot.label is None:
            raise ValueError("a demonstration has no label")
        return self.tail(shot) + self.continuation(shot.label)


def load_prompt(name: str) -> PromptTemplate:
    """Reads a prompt by name or path.

    Raises:
        UserError: There is none of that name, or it says what it may not say.
    """
    path = find(name, folder="prompts")
    located = load_yaml(path)
    definition = validate(PromptDefinition, located)
    return PromptTemplate(definition, name=path.stem, where=lambda field: located.where((field,)))


def _refuse_unknown(template: SafeTemplate, known: frozenset[str]) -> None:
    for variable in sorted(template.variables - known):
        close = nearest(variable, known)
        raise UserError(
            "the template uses a variable that is not there",
            where=template.where,
            found=variable,
            expected=f"one of {', '.join(sorted(known))}",
            hint=f"did you mean {close!r}?" if close else None,
        )

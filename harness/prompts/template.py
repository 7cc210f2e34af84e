"""A prompt template: from examples and labels to exactly the text that a model reads."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.core.errors import UserError, nearest
from harness.core.files import hash_json
from harness.core.letters import option_letters
from harness.core.lookup import find
from harness.core.types import Label
from harness.core.yaml import load_yaml, validate
from harness.prompts.sandbox import SafeTemplate
from harness.prompts.schema import PromptDefinition, Style

ANSWER_AT_END = re.compile(r"\{\{(-?)\s*(?:label|answer)\s*-?\}\}\s*\Z")
INSTRUCTION_VARIABLES = frozenset({"labels", "label_list"})
LABEL_LINE_VARIABLES: Mapping[Style, frozenset[str]] = {
    "words": frozenset({"label", "description"}),
    "letters": frozenset({"label", "description", "letter"}),
}
LABEL_LINES: Mapping[Style, str] = {
    "words": "- {{ label }}",
    "letters": "{{ letter }}. {{ label }}",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Shot:
    """An example as a prompt shows it: its variables, and the words of its answer if shown."""

    variables: Mapping[str, Any]
    answer: str | None = None


class PromptTemplate:
    """A prompt YAML, ready to render.

    Attributes:
        name: The file's name without its ending.
        kinds: The task kinds it fits.
        style: What answers a prompt: a label's words, or its letter.
        separator: What stands between instruction, demonstrations and example.
        variables: What it says of an example.
        gap: The white space between the cue and an answer.
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
        self.style = definition.style
        self.separator = definition.separator
        line = definition.label_list
        if line is None:
            line = LABEL_LINES[definition.style]
        shaping = definition.model_dump(exclude={"description", "kinds"})
        self.content_hash = hash_json({**shaping, "label_list": line})
        cue, self.gap = _split_answer(definition.answer, where("answer"))
        self._system = SafeTemplate(definition.system.rstrip(), where=where("system"))
        self._instruction = SafeTemplate(
            definition.instruction.rstrip(), where=where("instruction")
        )
        self._label_line = SafeTemplate(line, where=where("label_list"))
        self._input = SafeTemplate(definition.input.rstrip(), where=where("input"))
        self._cue = SafeTemplate(cue, where=where("answer"))
        self.variables = self._input.variables | self._cue.variables
        _refuse_unknown(self._system, INSTRUCTION_VARIABLES)
        _refuse_unknown(self._instruction, INSTRUCTION_VARIABLES)
        _refuse_unknown(self._label_line, LABEL_LINE_VARIABLES[self.style])
        if self.style == "letters":
            self._check_letters()

    def check_variables(self, known: Sequence[str]) -> None:
        """Refuses a template that needs a field the task does not have.

        Raises:
            UserError: Names the template, the variable and the nearest field.
        """
        _refuse_unknown(self._input, frozenset(known))
        _refuse_unknown(self._cue, frozenset(known))

    def system(self, labels: Sequence[Label]) -> str:
        """Returns the system message; the empty text where there is none."""
        return self._system.render(self._of_labels(labels))

    def instruction(self, labels: Sequence[Label]) -> str:
        """Returns the instruction; the empty text where there is none."""
        return self._instruction.render(self._of_labels(labels))

    def input(self, shot: Shot) -> str:
        """Returns an example without the cue."""
        return self._input.render(shot.variables)

    def cue(self, shot: Shot) -> str:
        """Returns what a label is the continuation of."""
        return self._cue.render(shot.variables)

    def answer(self, shot: Shot) -> str:
        """Returns the cue and the answer of a demonstration."""
        if shot.answer is None:
            raise ValueError("a demonstration has no answer")
        return self.cue(shot) + self.gap + shot.answer

    def head(self, labels: Sequence[Label]) -> str:
        """Returns what a prompt without chat begins with: system message and instruction."""
        sections = (self.system(labels), self.instruction(labels))
        return "".join(section + self.separator for section in sections if section)

    def demonstration(self, shot: Shot) -> str:
        """Returns a demonstration and the separator after it."""
        return f"{self.input(shot)}\n{self.answer(shot)}{self.separator}"

    def tail(self, shot: Shot) -> str:
        """Returns the example without its answer: input and cue."""
        return f"{self.input(shot)}\n{self.cue(shot)}"

    def options(self, words: Sequence[str]) -> tuple[str, ...]:
        """Returns what may answer an example with these options: their words, or their letters."""
        return option_letters(len(words)) if self.style == "letters" else tuple(words)

    def lines(self, labels: Sequence[Label]) -> str:
        """Returns a list of labels or choices, a line each."""
        return "\n".join(
            self._label_line.render(
                {"label": label.verbalizer, "description": label.description, "letter": letter}
            )
            for label, letter in zip(labels, option_letters(len(labels)), strict=True)
        )

    def _of_labels(self, labels: Sequence[Label]) -> dict[str, Any]:
        return {"labels": [label.verbalizer for label in labels], "label_list": self.lines(labels)}

    def _check_letters(self) -> None:
        listed = {"label_list"} & (self._system.variables | self._instruction.variables)
        if not listed | {"choice_list"} & self._input.variables:
            raise UserError(
                "with `style: letters` the options must be listed: without the list a letter "
                "means nothing",
                where=self._instruction.where,
                found=self._instruction.source,
                expected="{{ label_list }} in `instruction` or in `system`, or, for multiple "
                "choice, {{ choice_list }} in `input`",
            )
        if "letter" not in self._label_line.variables:
            raise UserError(
                "with `style: letters` each line of the list must show its letter",
                where=self._label_line.where,
                found=self._label_line.source,
                expected=f'for example "{LABEL_LINES["letters"]}"',
            )


def load_prompt(name: str) -> PromptTemplate:
    """Reads a prompt by name or path.

    Raises:
        UserError: There is none of that name, or it says what it may not say.
    """
    path = find(name, folder="prompts")
    located = load_yaml(path)
    definition = validate(PromptDefinition, located)
    return PromptTemplate(definition, name=path.stem, where=lambda field: located.where((field,)))


def _split_answer(answer: str, where: str) -> tuple[str, str]:
    """Returns the cue's template, and the white space between the cue and the label."""
    match = ANSWER_AT_END.search(answer)
    if match is None:
        raise UserError(
            "the answer must end with {{ label }} or {{ answer }}: what comes before it is the "
            "cue, and what it stands for is asked of the model",
            where=where,
            found=answer,
            expected='for example "Intent: {{ label }}"',
        )
    before = answer[: match.start()]
    cue = before.rstrip()
    return cue, "" if match[1] else before[len(cue) :]


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

"""Prompts for a list of examples, each short enough for the model."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from harness.core.errors import UserError
from harness.core.types import Example, Label
from harness.models.base import CausalLM, PromptText
from harness.prompts.template import PromptTemplate, Shot

CUT_MARK = " […]"


@dataclasses.dataclass(frozen=True, slots=True)
class PromptBuilder:
    """Renders examples into prompts that the model can read whole.

    Attributes:
        template: The prompt template.
        labels: The task's labels, in order.
        text: Gives an example's fields as one text.
        model: Counts tokens and says how many fit.
    """

    template: PromptTemplate
    labels: tuple[Label, ...]
    text: Callable[[Example], str]
    model: CausalLM

    @property
    def continuations(self) -> list[str]:
        """What may follow a prompt, for every label in the task's order."""
        return [self.template.continuation(label) for label in self.labels]

    def build(
        self, examples: Sequence[Example], demonstrations: Sequence[Example]
    ) -> list[PromptText]:
        """Returns a prompt for each example, in order.

        A prompt that is too long loses whole demonstrations, the oldest first; if it is still
        too long the end of the example's own text is cut and marked. Instruction and answer cue
        are never touched.

        Raises:
            UserError: Instruction and cue alone are too long for the model.
        """
        shots = [self._shot(example, self._label(example)) for example in demonstrations]
        heads = [
            self.template.head(self.labels, shots[dropped:]) for dropped in range(len(shots) + 1)
        ]
        room = self.model.context_tokens - self._longest_continuation()
        return [self._fitting(example, heads, room) for example in examples]

    def _fitting(self, example: Example, heads: Sequence[str], room: int) -> PromptText:
        tail = self.template.tail(self._shot(example))
        for head in heads:
            # A token stands for at least one byte of text, so short prompts need no counting.
            if len((head + tail).encode()) < room or self.model.count_tokens(head + tail) <= room:
                return PromptText(head, tail)
        return PromptText(heads[-1], self._cut(example, heads[-1], room))

    def _cut(self, example: Example, head: str, room: int) -> str:
        """Returns the tail with as much of the example's text as fits, found by bisection."""
        text = self.text(example)
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            if self.model.count_tokens(head + self._cut_tail(example, middle)) <= room:
                low = middle
            else:
                high = middle - 1
        tail = self._cut_tail(example, low)
        if self.model.count_tokens(head + tail) > room:
            raise UserError(
                f"the prompt {self.template.name!r} leaves no room for an example",
                found=f"{self.model.count_tokens(head + tail)} tokens without one",
                expected=f"at most {room}, with {self.model.name}",
                hint="shorten the instruction, or take a model that reads more",
            )
        return tail

    def _cut_tail(self, example: Example, characters: int) -> str:
        budget = characters
        fields: dict[str, Any] = {}
        for name, value in example.fields.items():
            if isinstance(value, str):
                kept = value[:budget]
                budget -= len(kept)
                fields[name] = value if len(kept) == len(value) else kept.rstrip() + CUT_MARK
            else:
                fields[name] = value
        return self.template.tail(self._shot(dataclasses.replace(example, fields=fields)))

    def _shot(self, example: Example, label: Label | None = None) -> Shot:
        return Shot({**example.fields, "text": self.text(example)}, label)

    def _label(self, example: Example) -> Label:
        return next(label for label in self.labels if label.name == example.target)

    def _longest_continuation(self) -> int:
        return max(self.model.count_tokens(continuation) for continuation in self.continuations) + 1

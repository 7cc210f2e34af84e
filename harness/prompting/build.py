"""Prompts for a list of examples, each short enough for the model."""

from __future__ import annotations

import bisect
import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

from harness.core.errors import UserError
from harness.core.types import Example, FieldValue, Label
from harness.models.base import CausalLM, PromptText
from harness.prompting.forms import ChatForm, Form, PlainForm, Render
from harness.prompts.template import PromptTemplate, Shot
from harness.tasks.kinds.answered import TextKind
from harness.tasks.kinds.base import Kind

CUT_MARK = " […]"
LIST = ", "
"""What stands between several labels."""
NO_LABEL = "none"
"""The words for: no label at all."""


@dataclasses.dataclass(frozen=True, slots=True)
class Built:
    """Prompts, and what may follow each of them.

    Attributes:
        prompts: One for each example, in order.
        continuations: What may follow each: every label in the task's order, or every choice;
            nothing where the answer is written freely.
        shortened: How many prompts lost demonstrations or text to fit the model.
    """

    prompts: list[PromptText]
    continuations: list[tuple[str, ...]]
    shortened: int


@dataclasses.dataclass(frozen=True, slots=True)
class _Query:
    """What a prompt asks about.

    Attributes:
        shot: Gives it with only so many characters of its text.
        characters: How many there are.
        continuations: What may follow it.
    """

    shot: Callable[[int], Shot]
    characters: int
    continuations: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class PromptBuilder:
    """Renders examples into prompts that the model can read whole.

    Attributes:
        template: The prompt template.
        labels: The task's labels, in order.
        rules: What the task's kind makes of an example.
        model: Counts tokens, says how many fit, and writes conversations.
        chat: Whether prompts are conversations.
    """

    template: PromptTemplate
    labels: tuple[Label, ...]
    rules: Kind[Any, Any]
    model: CausalLM
    chat: bool = False

    def continuations(self, example: Example | None = None) -> tuple[str, ...]:
        """Returns what may follow the prompt of an example, in the order of the labels.

        Where a row has any number of labels, the last is what says that it has none. Without an
        example it is what may follow a prompt that offers no choices of its own.
        """
        return tuple(self.template.gap + option for option in self._options(example))

    def _options(self, example: Example | None) -> tuple[str, ...]:
        if self.rules.answer == "text":
            return ()
        words = [label.verbalizer for label in self.labels]
        if self.rules.answer == "choice" and example is not None:
            words = list(example.choices)
        options = self.template.options(words)
        return (*options, NO_LABEL) if self.rules.answer == "labels" else options

    def _answer(self, example: Example) -> str:
        """Returns the words that answer a demonstration."""
        if isinstance(self.rules, TextKind):
            return self.rules.words(example)
        target = example.target or ()
        names = [label.name for label in self.labels]
        options = self._options(example)
        chosen = (target,) if isinstance(target, str) else target
        return LIST.join(options[names.index(name)] for name in chosen) or NO_LABEL

    def build(
        self, examples: Sequence[Example], demonstrations: Sequence[Sequence[Example]]
    ) -> Built:
        """Returns a prompt for each example, in order.

        A prompt that is too long loses whole demonstrations, the first shown first; if it is
        still too long the end of the example's own text is cut and marked. Instruction, system
        message and answer cue are never touched.

        Args:
            examples: What is asked about.
            demonstrations: The labelled examples that each prompt shows, in order; those of
                neighbours are rendered once where they are the same.

        Raises:
            UserError: Instruction and cue alone are too long for the model, or the model's chat
                template does not take the conversation.
        """
        usual, own = self.continuations(), self.rules.answer == "choice"
        queries = [
            _Query(
                functools.partial(self._cut, example),
                _characters(example),
                self.continuations(example) if own else usual,
            )
            for example in examples
        ]
        return self._build(queries, demonstrations)

    def content_free(
        self, texts: Sequence[str], demonstrations: Sequence[Sequence[Example]]
    ) -> Built:
        """Returns a prompt for each text, which stands in place of all that an example says.

        For contextual calibration (Zhao et al. 2021, "Calibrate Before Use: Improving Few-Shot
        Performance of Language Models"), with texts such as ``N/A``. Otherwise as :meth:`build`.
        """
        shots = [Shot(dict.fromkeys(self.template.variables, text)) for text in texts]
        after = self.continuations()
        queries = [_Query(lambda _, shot=shot: shot, 0, after) for shot in shots]  # type: ignore[misc]
        return self._build(queries, demonstrations)

    def cue(self) -> PromptText:
        """Returns a prompt of nothing but the answer cue, its variables filled with nothing."""
        nothing = Shot(dict.fromkeys(self.template.variables, ""))
        return PromptText((self.template.cue(nothing),))

    def _build(
        self, queries: Sequence[_Query], demonstrations: Sequence[Sequence[Example]]
    ) -> Built:
        form = self._form()
        reserved = functools.cache(self._reserved)
        prompts, shortened = [], 0
        latest: Sequence[Example] = ()
        after = self._after(form, latest)
        for query, shown in zip(queries, demonstrations, strict=True):
            if shown != latest:
                after, latest = self._after(form, shown), shown
            room = self.model.context_tokens - reserved(query.continuations)
            prompt, lost = self._fitting(query, after, len(shown), room)
            prompts.append(prompt)
            shortened += lost
        return Built(prompts, [query.continuations for query in queries], shortened)

    def _reserved(self, continuations: tuple[str, ...]) -> int:
        """Returns how many tokens the answer may take."""
        if isinstance(self.rules, TextKind):
            return int(self.rules.definition.max_tokens) + 1
        return max(map(self.model.count_tokens, continuations)) + 1

    def _form(self) -> Form:
        if self.chat:
            return ChatForm(self.template, self.labels, self.model)
        return PlainForm(self.template, self.labels)

    def _after(self, form: Form, demonstrations: Sequence[Example]) -> Callable[[int], Render]:
        """Returns what renders examples after all but so many first demonstrations."""
        shots = [
            shot_of(self.template, self.rules, example, self._answer(example))
            for example in demonstrations
        ]
        return functools.cache(lambda dropped: form.after(shots[dropped:]))

    def _fitting(
        self, query: _Query, after: Callable[[int], Render], k: int, room: int
    ) -> tuple[PromptText, bool]:
        """Returns the prompt as long as it may be, and whether it lost something."""
        whole = query.shot(query.characters)

        def fits(dropped: int) -> bool:
            return self._fits(after(dropped)(whole), room)

        prompt = after(0)(whole)
        if self._fits(prompt, room):
            return prompt, False
        dropped = bisect.bisect_left(range(k + 1), True, lo=1, key=fits)
        return after(dropped)(whole) if dropped <= k else self._cutting(query, after(k), room), True

    def _cutting(self, query: _Query, render: Render, room: int) -> PromptText:
        """Returns the prompt with as much of the example's text as fits."""

        def too_long(characters: int) -> bool:
            return not self._fits(render(query.shot(characters)), room)

        kept = bisect.bisect_left(range(query.characters), True, key=too_long) - 1
        if kept < 0:
            empty = self.model.count_tokens(render(query.shot(0)).text)
            raise UserError(
                f"the prompt {self.template.name!r} leaves no room for an example",
                found=f"{empty} tokens without one",
                expected=f"at most {room}, with {self.model.name}",
                hint="shorten the instruction, or take a model that reads more",
            )
        return render(query.shot(kept))

    def _fits(self, prompt: PromptText, room: int) -> bool:
        # A token stands for at least one byte of text, so short prompts need no counting.
        return len(prompt.text.encode()) < room or self.model.count_tokens(prompt.text) <= room

    def _cut(self, example: Example, characters: int) -> Shot:
        """Returns the example with so many characters of its text, the last fields cut first."""
        budget = characters
        fields: dict[str, FieldValue] = {}
        for name, value in example.fields.items():
            if isinstance(value, str):
                kept = value[:budget]
                budget -= len(kept)
                fields[name] = value if len(kept) == len(value) else kept.rstrip() + CUT_MARK
            else:
                fields[name] = value
        return shot_of(self.template, self.rules, dataclasses.replace(example, fields=fields))


def shot_of(
    template: PromptTemplate, rules: Kind[Any, Any], example: Example, answer: str | None = None
) -> Shot:
    """Returns an example as a prompt shows it.

    Args:
        template: The prompt template, which says how choices are listed.
        rules: What the task's kind makes of an example.
        example: The example.
        answer: The words of its answer, where it is shown.
    """
    variables: dict[str, Any] = {**example.fields, "text": rules.text(example.fields)}
    if rules.answer == "choice":
        choices = [Label(choice, choice) for choice in example.choices]
        variables |= {"choices": list(example.choices), "choice_list": template.lines(choices)}
    return Shot(variables, answer)


def _characters(example: Example) -> int:
    return sum(len(value) for value in example.fields.values() if isinstance(value, str))

"""The two forms of a prompt, one running text or a conversation, in pieces that rows share."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable, Sequence
from typing import Protocol

from harness.core.errors import UserError
from harness.core.types import Label
from harness.models.base import CausalLM, Message, PromptText
from harness.prompts.template import PromptTemplate, Shot

Render = Callable[[Shot], PromptText]

# Private-use characters: no template trims them, turns their case, or says them itself.
PLACEHOLDERS = ("\ue000", "\ue001")


class Form(Protocol):
    """How a prompt is written down."""

    def after(self, shots: Sequence[Shot]) -> Render:
        """Returns what renders an example after these demonstrations."""
        ...


class PlainForm:
    """A prompt as one running text.

    Its pieces are system message and instruction, each demonstration, and the example with the
    cue.
    """

    def __init__(self, template: PromptTemplate, labels: Sequence[Label]) -> None:
        self._template = template
        self._head = template.head(labels)

    def after(self, shots: Sequence[Shot]) -> Render:
        """Returns what renders an example after these demonstrations."""
        shown = [self._template.demonstration(shot) for shot in shots]
        before = [self._head, *shown] if self._head else shown
        return lambda shot: PromptText((*before, self._template.tail(shot)))


class ChatForm:
    """A prompt as a conversation.

    The instruction begins the first user's message, demonstrations are turns, and the cue begins
    the assistant's answer to the example. A model's chat template may do anything with messages,
    so the pieces are looked for in what it gives: one ends where a user's text begins, if
    conversations that go on differently really are the same up to there.
    """

    def __init__(self, template: PromptTemplate, labels: Sequence[Label], model: CausalLM) -> None:
        self._template = template
        self._model = model
        system, instruction = template.system(labels), template.instruction(labels)
        self._first = [Message("system", system)] if system else []
        self._opening = instruction + template.separator if instruction else ""

    def after(self, shots: Sequence[Shot]) -> Render:
        """Returns what renders an example after these demonstrations.

        Raises:
            UserError: The model has no chat template, or it does not take the conversation.
        """
        turns = [(self._template.input(shot), self._template.answer(shot)) for shot in shots]
        whole = self._written(turns, PLACEHOLDERS[0])
        ends = {
            _alike(whole, self._written(turns[:shown], PLACEHOLDERS[1]))
            for shown in range(len(turns) + 1)
        }
        shared = [whole[:end] for end in sorted(ends - {0})]

        def render(shot: Shot) -> PromptText:
            text = self._written(turns, self._template.input(shot)) + self._template.cue(shot)
            cuts = [0, *(len(part) for part in shared if text.startswith(part)), len(text)]
            return PromptText(tuple(text[start:end] for start, end in itertools.pairwise(cuts)))

        return render

    def _written(self, turns: Sequence[tuple[str, str]], last: str) -> str:
        """Returns the conversation up to where the assistant answers the text ``last``."""
        said = [*itertools.chain.from_iterable(turns), last]
        said[0] = self._opening + said[0]
        spoken = [
            Message("assistant" if place % 2 else "user", text) for place, text in enumerate(said)
        ]
        return self._chat_text([*self._first, *spoken])

    def _chat_text(self, messages: Sequence[Message]) -> str:
        try:
            return self._model.chat_text(messages)
        except UserError as error:
            if self._first and self._takes(messages[1:]):
                raise UserError(
                    f"the chat template of {self._model.name} takes no system message",
                    where=f"the prompt {self._template.name!r}: system",
                    found=self._first[0].content,
                    hint="put that text into `instruction`, or prompt without chat",
                ) from error
            raise

    def _takes(self, messages: Sequence[Message]) -> bool:
        try:
            self._model.chat_text(messages)
        except UserError:
            return False
        return True


def _alike(first: str, second: str) -> int:
    """Returns how many characters two texts begin with alike."""
    ends = range(1, min(len(first), len(second)) + 1)
    return bisect.bisect_left(ends, True, key=lambda end: first[:end] != second[:end])

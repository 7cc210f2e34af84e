"""The two kinds of model, each a small protocol, and what they give back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from harness.core.types import Cost

Floats = NDArray[np.float32]


@dataclasses.dataclass(frozen=True, slots=True)
class Outputs:
    """What a model gave for a list of inputs, in their order.

    Attributes:
        values: Shape (inputs, width): an embedding or the log-likelihood of every label a row.
        costs: What each distinct input, and each thing they share, cost when first computed.
        halved: Whether some come from passes made smaller than planned, for want of memory; they
            are equal to the others' to about 1e-4.
        shortened: How many inputs fill all that the model reads, so that their end may be cut.
    """

    values: Floats
    costs: Mapping[bytes, Cost]
    halved: bool = False
    shortened: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Texts:
    """What a model wrote after a list of prompts, in their order.

    Attributes:
        values: The texts.
        costs: What each distinct prompt with its text, and each thing they share, cost when first
            computed.
        halved: Whether some come from passes made smaller than planned, for want of memory; they
            may differ from the others' where two tokens are about equally likely.
    """

    values: tuple[str, ...]
    costs: Mapping[bytes, Cost]
    halved: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class PromptText:
    """A rendered prompt, in the pieces it is made of.

    Attributes:
        pieces: In order; joined they are the prompt. The last is what only this example says: its
            own text and the answer cue. Those before it are the instruction and each
            demonstration: prompts that begin with the same pieces share keys and values.
    """

    pieces: tuple[str, ...]

    @property
    def text(self) -> str:
        """The whole prompt."""
        return "".join(self.pieces)


@dataclasses.dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation.

    Attributes:
        role: Who speaks.
        content: What is said.
    """

    role: Literal["system", "user", "assistant"]
    content: str


class Encoder(Protocol):
    """Turns a text into a vector of unit or natural length, as the model was trained to."""

    identity: str
    name: str

    def encode(self, texts: Sequence[str]) -> Outputs:
        """Returns the embeddings, shape (texts, dimensions), float32."""
        ...

    def load(self) -> Any:
        """Returns a fresh copy of the model itself, for training."""
        ...


class CausalLM(Protocol):
    """Says how likely a continuation is after a prompt, or writes one itself."""

    identity: str
    name: str

    def label_loglikelihoods(
        self, prompts: Sequence[PromptText], continuations: Sequence[Sequence[str]]
    ) -> Outputs:
        """Returns log p(continuation | prompt) in nats, float32.

        Args:
            prompts: The prompts.
            continuations: What may follow each prompt; mostly the same list for all of them.

        Returns:
            Values of shape (prompts, most continuations of a prompt); -inf past the last of a
            prompt that has fewer.
        """
        ...

    def generate(
        self, prompts: Sequence[PromptText], *, stop: Sequence[str], max_tokens: int
    ) -> Texts:
        """Returns what the model writes after each prompt, the likeliest token each time.

        A text ends where the model ends it, before the first of the stop strings in it, or after
        the last token allowed. Special tokens are left out of it.

        Args:
            prompts: The prompts.
            stop: Strings that end a text; there may be none.
            max_tokens: How many tokens a text has at most; every prompt leaves room for them.

        Raises:
            UserError: A stop string is empty, there is to be less than one token, or a prompt
                with so many tokens after it is longer than the model can read.
        """
        ...

    def continuation_lengths(
        self, prompts: Sequence[PromptText], continuations: Sequence[Sequence[str]]
    ) -> NDArray[np.int64]:
        """Returns how many tokens each continuation has after its prompt.

        The shape is that of :meth:`label_loglikelihoods`; 1 past a prompt's last continuation.
        """
        ...

    def count_tokens(self, text: str) -> int:
        """Returns how many tokens the model reads for ``text``."""
        ...

    def chat_text(self, messages: Sequence[Message]) -> str:
        """Returns a conversation as the text the model was trained to read.

        After a user's message comes what makes the model answer.

        Raises:
            UserError: The model has no chat template, or its template refuses these messages.
        """
        ...

    @property
    def context_tokens(self) -> int:
        """How many tokens the model can read at once."""
        ...

"""The two kinds of model, each a small protocol, and what they give back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

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
    """

    values: Floats
    costs: Mapping[bytes, Cost]


@dataclasses.dataclass(frozen=True, slots=True)
class PromptText:
    """A rendered prompt, in the two pieces it is read in.

    Attributes:
        head: What comes before the example's own text: instruction and demonstrations. Prompts
            with an equal head share its keys and values.
        tail: The example's own text and the answer cue.
    """

    head: str
    tail: str

    @property
    def text(self) -> str:
        """The whole prompt."""
        return self.head + self.tail


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
    """Says how likely a continuation is after a prompt."""

    identity: str
    name: str

    def label_loglikelihoods(
        self, prompts: Sequence[PromptText], continuations: Sequence[str]
    ) -> Outputs:
        """Returns log p(continuation | prompt) in nats, shape (prompts, continuations), float32."""
        ...

    def count_tokens(self, text: str) -> int:
        """Returns how many tokens the model reads for ``text``."""
        ...

    @property
    def context_tokens(self) -> int:
        """How many tokens the model can read at once."""
        ...

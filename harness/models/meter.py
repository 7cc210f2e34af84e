"""What a cell is charged: outputs at the price of their first computation, the rest as it runs."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.core.types import Cost
from harness.models.base import CausalLM, Encoder, Message, Outputs, PromptText, Texts


class Meter:
    """Adds up what one cell costs.

    Attributes:
        charged: What each distinct output cost when it was first computed, by key.
        inside_seconds: Wall time really spent getting outputs, which is not charged itself: an
            output that was in the cache took none, and is charged all the same.
        shortened: How many prompts were too long for the model and were shortened, and how many
            texts fill all that an encoder reads.
        halved: Whether a pass had to be made smaller than planned, for want of memory.
        notes: What a reader of the cell's numbers should know, each once.
    """

    def __init__(self) -> None:
        self.charged: dict[bytes, Cost] = {}
        self.inside_seconds = 0.0
        self.shortened = 0
        self.halved = False
        self.notes: list[str] = []

    @contextmanager
    def outputs(self) -> Iterator[None]:
        """Times a call for outputs."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.inside_seconds += time.perf_counter() - started

    def charge(self, outputs: Outputs | Texts) -> None:
        """Charges outputs; each distinct one once."""
        self.charged.update(outputs.costs)
        self.halved |= outputs.halved

    def note(self, text: str) -> None:
        """Keeps what a reader of the cell's numbers should know."""
        if text not in self.notes:
            self.notes.append(text)

    def add(self, cost: Cost) -> None:
        """Charges work that is the cell's own and is kept nowhere."""
        self.charged[uuid.uuid4().bytes] = cost


class MeteredEncoder:
    """An encoder that charges a meter."""

    def __init__(self, encoder: Encoder, meter: Meter) -> None:
        self.encoder = encoder
        self.meter = meter
        self.identity = encoder.identity
        self.name = encoder.name

    def encode(self, texts: Sequence[str]) -> Outputs:
        """Encodes and charges; see :class:`harness.models.base.Encoder`."""
        with self.meter.outputs():
            outputs = self.encoder.encode(texts)
        self.meter.charge(outputs)
        self.meter.shortened += outputs.shortened
        return outputs

    def load(self) -> Any:
        """Returns a fresh copy of the model itself, for training; loading is not charged."""
        with self.meter.outputs():
            return self.encoder.load()


class MeteredCausalLM:
    """A causal LM that charges a meter."""

    def __init__(self, model: CausalLM, meter: Meter) -> None:
        self.model = model
        self.meter = meter
        self.identity = model.identity
        self.name = model.name

    def label_loglikelihoods(
        self, prompts: Sequence[PromptText], continuations: Sequence[Sequence[str]]
    ) -> Outputs:
        """Scores and charges; see :class:`harness.models.base.CausalLM`."""
        with self.meter.outputs():
            outputs = self.model.label_loglikelihoods(prompts, continuations)
        self.meter.charge(outputs)
        return outputs

    def generate(
        self, prompts: Sequence[PromptText], *, stop: Sequence[str], max_tokens: int
    ) -> Texts:
        """Generates and charges; see :class:`harness.models.base.CausalLM`."""
        with self.meter.outputs():
            texts = self.model.generate(prompts, stop=stop, max_tokens=max_tokens)
        self.meter.charge(texts)
        return texts

    def continuation_lengths(
        self, prompts: Sequence[PromptText], continuations: Sequence[Sequence[str]]
    ) -> NDArray[np.int64]:
        """Returns how many tokens each continuation has."""
        with self.meter.outputs():
            return self.model.continuation_lengths(prompts, continuations)

    def chat_text(self, messages: Sequence[Message]) -> str:
        """Returns a conversation as text."""
        with self.meter.outputs():
            return self.model.chat_text(messages)

    def count_tokens(self, text: str) -> int:
        """Returns how many tokens the model reads for ``text``."""
        with self.meter.outputs():  # the first call loads the tokenizer
            return self.model.count_tokens(text)

    @property
    def context_tokens(self) -> int:
        """How many tokens the model can read at once."""
        with self.meter.outputs():
            return self.model.context_tokens

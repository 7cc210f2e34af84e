"""The data classes that travel between the floors: examples in, predictions out."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal

FieldValue = str | int | float | bool | None
Failure = Literal["unread", "request"]
"""Why there is no answer: it came and could not be read, or the request for it failed."""


@dataclasses.dataclass(frozen=True, slots=True)
class Example:
    """One row of a task.

    Attributes:
        row: Its number in the split it was read from, counted from 0.
        fields: The task's fields by name, in the task's order.
        target: The label, or None where the row has none or it is being withheld.
    """

    row: int
    fields: Mapping[str, FieldValue]
    target: str | None = None

    def without_target(self) -> Example:
        """Returns the same row with its label taken away."""
        return dataclasses.replace(self, target=None)


@dataclasses.dataclass(frozen=True, slots=True)
class Label:
    """A label of a task: its name in the data, its words in a prompt, and what it means."""

    name: str
    verbalizer: str
    description: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Prediction:
    """What a method says about one example.

    Attributes:
        output: The label chosen, or None where there is no answer.
        probabilities: One for each label in the task's order, adding up to 1; None where the
            method gives none.
        failure: Why there is no answer; None where there is one.
    """

    output: str | None
    probabilities: tuple[float, ...] | None = None
    failure: Failure | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Cost:
    """What a model's outputs cost when they were first computed.

    Attributes:
        seconds: Wall time.
        tokens: Tokens that went through the model, padding left out.
    """

    seconds: float = 0.0
    tokens: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.seconds + other.seconds, self.tokens + other.tokens)


@dataclasses.dataclass(frozen=True, slots=True)
class Estimate:
    """A number and the interval it comes with.

    All three are None where the number is undefined; the interval alone is None where the number
    is defined and too many of its resamples are not.
    """

    value: float | None
    low: float | None
    high: float | None

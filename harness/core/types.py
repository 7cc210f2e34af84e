"""The data classes that travel between the floors: examples in, predictions out."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal

FieldValue = str | int | float | bool | None
Target = str | tuple[str, ...]
"""A label; or several: all labels of a row, or all answers that count as right."""
Failure = Literal["unread", "request"]
"""Why there is no answer: it came and could not be read, or the request for it failed."""


@dataclasses.dataclass(frozen=True, slots=True)
class Example:
    """One row of a task.

    Attributes:
        row: Its number in the split it was read from, counted from 0.
        fields: The task's fields by name, in the task's order.
        target: What is right, or None where the row has none or it is being withheld. A label
            (of a multiple-choice row the letter of the right choice); a tuple of labels, which
            may be empty; or a tuple of the answers that count as right, at least one, where an
            empty text stands for "there is none".
        choices: What a multiple-choice row offers, in order.
    """

    row: int
    fields: Mapping[str, FieldValue]
    target: Target | None = None
    choices: tuple[str, ...] = ()

    def without_target(self) -> Example:
        """Returns the same row with its label taken away."""
        return dataclasses.replace(self, target=None)


@dataclasses.dataclass(frozen=True, slots=True)
class Label:
    """A label of a task: its name in the data, its words in a prompt, and what it means."""

    name: str
    verbalizer: str
    description: str = ""

    @property
    def words(self) -> str:
        """What it is called and what it means, as one text."""
        return f"{self.verbalizer}: {self.description}" if self.description else self.verbalizer


@dataclasses.dataclass(frozen=True, slots=True)
class Prediction:
    """What a method says about one example.

    Attributes:
        output: The label chosen (of an out-of-scope row the out-of-scope label), the labels
            chosen, or the answer as text; None where there is no answer.
        probabilities: One for each label in the task's order; they add up to 1 where a row has
            one label, and are each between 0 and 1 where it may have several. None where the
            method gives none.
        failure: Why there is no answer; None where there is one.
    """

    output: Target | None
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

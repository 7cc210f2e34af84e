"""What a proposal asks when it is unsure, and the ways to answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from harness.core.errors import UserError


@dataclasses.dataclass(frozen=True, slots=True)
class Option:
    """One possible answer.

    Attributes:
        value: What is chosen; the names of several columns are joined by " + ".
        reason: What speaks for it, in a few words.
        flags: The flags that choose it.
    """

    value: str
    reason: str
    flags: str


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """What is not certain.

    Attributes:
        asked: The question, in a sentence.
        options: The answers; the first one is the best guess.
    """

    asked: str
    options: Sequence[Option]


Decide = Callable[[Question], Option]
"""Answers a question with one of its options."""


def take_the_guess(question: Question) -> Option:
    """Returns the best guess."""
    return question.options[0]


def refuse(question: Question) -> Option:
    """Refuses to guess, where there is nobody to ask.

    Raises:
        UserError: Always; it lists the options and their flags.
    """
    listed = "".join(f"\n    {one.flags}   ({one.reason})" for one in question.options)
    raise UserError(
        f"{question.asked} This is not clear",
        expected=f"one of{listed}",
        hint="add the flag that is meant, or --yes for the first",
    )

"""Generation: an open answer is written."""

from __future__ import annotations

import math
import re
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from harness.core.errors import DataError
from harness.core.schema import FieldProblem
from harness.core.types import Example
from harness.tasks.kinds.answered import TextDefinition, TextKind
from harness.tasks.kinds.base import Row, Where
from harness.tasks.kinds.cells import as_texts, read_json_cell
from harness.tasks.source_schema import Source

EXPECTED = "a text, or a JSON list of texts"
PATTERN_CHARACTERS = 500
REPEATS = re.compile(r"\{(?:\d*,)?(\d+)\}")
MOST_REPEATS = 10_000
"""Nested counts are multiplied out when a pattern is compiled."""
PATTERN_SECONDS = 0.5
"""A pattern that takes longer on an answer has not read it: some take for ever."""


class AnswerSource(Source):
    """A source whose rows have an open answer."""

    answer: str = Field(
        description="The column of the answer: a text, or a JSON list of texts that count as right."
    )

    @property
    def target_column(self) -> str:
        """The column of the answer."""
        return self.answer


class GenerationDefinition(TextDefinition):
    """A task YAML of generation."""

    kind: Literal["generation"] = Field(description="An open answer is written.")
    data: tuple[AnswerSource, ...] = Field(
        min_length=1,
        description="Where the data come from; the first source that is there is used.",
    )
    pattern: str | None = Field(
        default=None,
        min_length=1,
        max_length=PATTERN_CHARACTERS,
        description="Regular expression that finds the answer in what was written: its first "
        "group, or all of it. What it does not match counts as unread.",
    )
    answers: tuple[str, ...] = Field(
        default=(),
        description="All possible answers, where the list is closed: the first that occurs in "
        "what was written is the answer, and what has none counts as unread.",
    )

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        import regex

        if value is not None:
            repeats = math.prod(int(count) or 1 for count in REPEATS.findall(value))
            if repeats > MOST_REPEATS:
                raise FieldProblem(
                    "the repetitions of this pattern are too many to compile",
                    found=value,
                    expected=f"counts whose product is at most {MOST_REPEATS}",
                )
            try:
                regex.compile(value)
            except (regex.error, OverflowError, RecursionError, MemoryError) as error:
                raise FieldProblem(f"not a regular expression: {error}", found=value) from None
        return value

    @model_validator(mode="after")
    def _one_way_to_read(self) -> Self:
        if self.pattern and self.answers:
            raise FieldProblem(
                "an answer is read by `pattern` or by `answers`, not both", field=("answers",)
            )
        if len(set(map(str.casefold, self.answers))) < len(self.answers):
            raise FieldProblem("two answers are the same but for case", field=("answers",))
        if not all(map(str.strip, self.answers)):
            raise FieldProblem("an answer is empty", field=("answers",))
        return self


class Generation(TextKind[GenerationDefinition, AnswerSource]):
    """Generation of an open answer."""

    name = "generation"
    schema = GenerationDefinition

    def target(self, source: AnswerSource, row: Row, where: Where) -> tuple[str, ...]:
        """Returns all answers that count as right."""
        text, place = row[source.answer].strip(), where(source.answer)
        texts: tuple[str, ...] = (text,)
        if text.startswith("["):
            texts = as_texts(read_json_cell(text, place, EXPECTED), place, EXPECTED)
        right = tuple(dict.fromkeys(one.strip() for one in texts if one.strip()))
        if not right:
            raise DataError("this row has no answer", where=place, found=text, expected=EXPECTED)
        return right

    def shaping(self) -> dict[str, Any]:
        """Returns where an answer ends, and how it is read."""
        ways = {"pattern": self.definition.pattern, "answers": list(self.definition.answers)}
        return super().shaping() | ways

    @property
    def can_constrain(self) -> bool:
        """Whether the list of answers is closed."""
        return bool(self.definition.answers)

    def allowed(self, example: Example) -> tuple[str, ...]:
        """Returns the closed list of answers, where there is one."""
        return self.definition.answers

    def read_answer(self, text: str, example: Example) -> str | None:
        """Returns what the pattern finds, or the answer that occurs, or the text as it is."""
        written = text.strip()
        if self.definition.pattern:
            return _matched(self.definition.pattern, written)
        if self.definition.answers:
            return _first_of(self.definition.answers, written)
        return written or None


def _matched(pattern: str, text: str) -> str | None:
    import regex

    try:
        match = regex.search(pattern, text, timeout=PATTERN_SECONDS)
    except TimeoutError:
        return None
    if match is None:
        return None
    found = match[1] if match.re.groups else match[0]
    return (found or "").strip() or None


def _first_of(answers: tuple[str, ...], text: str) -> str | None:
    """Returns the answer that occurs first in a text as whole words; of those, the longest."""
    found = []
    for answer in answers:
        match = re.search(rf"(?<!\w){re.escape(answer.strip())}(?!\w)", text, re.IGNORECASE)
        if match:
            found.append((match.start(), -len(answer), answer))
    return min(found)[2] if found else None

"""Extraction: a span or a short answer is taken from a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from harness.core.errors import DataError, nearest
from harness.core.schema import FieldProblem
from harness.core.types import Example, FieldValue
from harness.tasks.kinds.answered import TextDefinition, TextKind
from harness.tasks.kinds.base import Row, Where
from harness.tasks.kinds.cells import as_texts, read_json_cell
from harness.tasks.source_schema import Source

SPAN_WORDS = 8
TEXT_WORDS = 100
"""A text of 100 words has some 770 spans: as many answers as one pass scores."""
EDGES = ".,;:!?\"'()[]"
SLOT, QUESTION = "slot", "question"
EXPECTED = 'a text, a JSON list of texts, or {"text": [...]}'
BY_SLOT = 'a JSON object such as {"time": "7 pm"}'


class AnswersSource(Source):
    """A source whose rows have answers."""

    answers: str = Field(
        description="The column of the answers: a text; a JSON list of texts, each of which "
        'counts as right; {"text": [...]}; or, with `slots`, an object from slot to answer. '
        "Empty: there is none."
    )

    @property
    def target_column(self) -> str:
        """The column of the answers."""
        return self.answers


class ExtractionDefinition(TextDefinition):
    """A task YAML of extraction."""

    kind: Literal["extraction"] = Field(description="A span or short answer is taken from a text.")
    data: tuple[AnswersSource, ...] = Field(
        min_length=1,
        description="Where the data come from; the first source that is there is used.",
    )
    slots: dict[str, str] = Field(
        default={},
        description="What is looked for in every row, and the question for it: each makes an "
        "example of its own, with the fields `slot` and `question`.",
    )
    no_answer: str = Field(
        default="none", min_length=1, description="The words in a prompt for: there is none."
    )

    @model_validator(mode="after")
    def _fields_are_free(self) -> Self:
        for index, source in enumerate(self.data):
            for name in {SLOT, QUESTION} & source.fields.keys() if self.slots else ():
                raise FieldProblem(
                    "`slots` makes a field of this name", field=("data", index, "fields", name)
                )
        return self


class Extraction(TextKind[ExtractionDefinition, AnswersSource]):
    """Extraction; an empty answer stands for "there is none"."""

    name = "extraction"
    schema = ExtractionDefinition

    def variables(self) -> frozenset[str]:
        """Returns the fields, those that slots add among them."""
        return super().variables() | ({SLOT, QUESTION} if self.definition.slots else set())

    def examples(
        self, source: AnswersSource, number: int, row: Row, fields: Mapping[str, FieldValue],
        where: Where, *, labelled: bool,
    ) -> Iterable[Example]:  # fmt: skip
        """Gives the row, or with slots an example for each, numbered on from row x slots."""
        slots = self.definition.slots
        if not slots:
            target = self.target(source, row, where) if labelled else None
            yield Example(number, fields, target)
            return
        answers = self._by_slot(source, row, where) if labelled else {}
        for place, (slot, question) in enumerate(slots.items()):
            asked = {**fields, SLOT: slot, QUESTION: question}
            target = answers.get(slot, ("",)) if labelled else None
            yield Example(number * len(slots) + place, asked, target)

    def target(self, source: AnswersSource, row: Row, where: Where) -> tuple[str, ...]:
        """Returns all answers that count as right; an empty one where there is none."""
        text = row[source.answers]
        if text.lstrip().startswith(("[", "{")):
            return _right(read_json_cell(text, where(source.answers), EXPECTED),
                          where(source.answers))  # fmt: skip
        return (text.strip(),)

    def text(self, fields: Mapping[str, FieldValue]) -> str:
        """Returns the fields of the row, without what slots add to them."""
        if self.definition.slots:
            fields = {name: fields[name] for name in fields if name not in (SLOT, QUESTION)}
        return super().text(fields)

    def allowed(self, example: Example) -> tuple[str, ...]:
        """Returns the spans of the text, up to ``SPAN_WORDS`` words, and the words for: none."""
        words = list(re.finditer(r"\S+", self.text(example.fields)))[:TEXT_WORDS]
        spans = [
            words[start].string[words[start].start() : words[end].end()].strip(EDGES)
            for start in range(len(words))
            for end in range(start, min(start + SPAN_WORDS, len(words)))
        ]
        return tuple(dict.fromkeys(filter(None, [*spans, self.definition.no_answer])))

    def shaping(self) -> dict[str, Any]:
        """Returns where an answer ends, and the words for: there is none."""
        return super().shaping() | {"no_answer": self.definition.no_answer}

    def words(self, example: Example) -> str:
        """Returns the answer as a prompt shows it."""
        return super().words(example) or self.definition.no_answer

    def read_answer(self, text: str, example: Example) -> str | None:
        """Returns the answer; an empty one where the words say so, none where nothing stands."""
        answer = text.strip()
        if _plain(answer) == _plain(self.definition.no_answer):
            return ""
        return answer or None

    def _by_slot(self, source: AnswersSource, row: Row, where: Where) -> dict[str, tuple[str, ...]]:
        place = where(source.answers)
        value = read_json_cell(row[source.answers].strip() or "{}", place, BY_SLOT)
        if not isinstance(value, dict):
            raise DataError("wrong value", where=place, found=value, expected=BY_SLOT)
        slots = self.definition.slots
        for slot in value:
            if slot not in slots:
                close = nearest(slot, slots)
                raise DataError(
                    "unknown slot", where=place, found=slot,
                    expected=f"one of {', '.join(slots)}",
                    hint=f"did you mean {close!r}?" if close else "list it under `slots`",
                )  # fmt: skip
        return {slot: _right(answer, place) for slot, answer in value.items()}


def _right(value: Any, place: str) -> tuple[str, ...]:
    """Returns the answers in a JSON value; an empty one where there are none."""
    if value is None:  # nothing was asked for, or found
        return ("",)
    if isinstance(value, dict):
        value = value.get("text")
    texts = as_texts([value] if isinstance(value, str) else value, place, EXPECTED)
    return tuple(dict.fromkeys(text.strip() for text in texts if text.strip())) or ("",)


def _plain(text: str) -> str:
    return re.sub(r"\W+", " ", text).strip().casefold()

"""Multiple choice: a question with choices of its own, one of which is right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from harness.core.errors import DataError
from harness.core.letters import option_letters
from harness.core.types import Example, FieldValue, Label, Prediction
from harness.tasks.kinds.base import Item, Kind, Row, Where
from harness.tasks.kinds.cells import as_texts, read_json_cell
from harness.tasks.schema import Definition
from harness.tasks.source_schema import Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

AnswerIs = Literal["index", "number", "letter", "name", "text"]
LIST = 'a JSON list such as ["a", "b"], or an object with the lists "text" and "label"'
MOST = 26
"""Choices a row may have: as many as there are letters."""


class ChoiceSource(Source):
    """A source whose rows have choices of their own."""

    choices: str | tuple[str, ...] = Field(
        description="The column of the choices, a JSON list; or a list with a column for each."
    )
    answer: str = Field(description="The column that says which choice is right.")
    answer_is: AnswerIs = Field(
        default="index",
        description="What it says: the index of the choice from 0, its number from 1, its letter "
        'from A, its name (among the "label" of the choices), or its text.',
    )

    @property
    def more_columns(self) -> list[str]:
        """The columns of the choices."""
        return [self.choices] if isinstance(self.choices, str) else list(self.choices)

    @property
    def target_column(self) -> str:
        """The column of the answer."""
        return self.answer


class MultipleChoiceDefinition(Definition):
    """A task YAML of multiple choice."""

    kind: Literal["multiple_choice"] = Field(
        description="A question with choices of its own, one of which is right."
    )
    data: tuple[ChoiceSource, ...] = Field(
        min_length=1,
        description="Where the data come from; the first source that is there is used.",
    )


class MultipleChoice(Kind[MultipleChoiceDefinition, ChoiceSource]):
    """Multiple choice. Its labels are the letters of the choices: A, B, C and so on."""

    name = "multiple_choice"
    schema = MultipleChoiceDefinition

    def variables(self) -> frozenset[str]:
        """Returns the fields, the choices, and the choices as lines of a list."""
        return super().variables() | {"choices", "choice_list"}

    def examples(
        self, source: ChoiceSource, number: int, row: Row, fields: Mapping[str, FieldValue],
        where: Where, *, labelled: bool,
    ) -> Iterable[Example]:  # fmt: skip
        """Gives the row with its choices and the letter of the right one."""
        choices = _choices(source, row, where)
        target = _letter(source, row, choices, where) if labelled else None
        yield Example(number, fields, target, choices[0])

    def target(self, source: ChoiceSource, row: Row, where: Where) -> str:
        """Returns the letter of the right choice."""
        return _letter(source, row, _choices(source, row, where), where)

    def labels(self, examples: Iterable[Example]) -> tuple[Label, ...]:
        """Returns the letters of as many choices as a row has at most."""
        most = max((len(example.choices) for example in examples), default=0)
        return tuple(Label(letter, letter) for letter in option_letters(most))

    def check_targets(
        self, examples: Iterable[Example], labels: Sequence[Label], where: Callable[[Example], str]
    ) -> None:
        """Makes sure that no row has more choices than the rows the labels come from."""
        for example in examples:
            if len(example.choices) > len(labels):
                raise DataError(
                    "this row has more choices than any row before",
                    where=where(example),
                    found=len(example.choices),
                    expected=f"at most {len(labels)}",
                )

    def items(self, example: Example) -> tuple[Item, ...]:
        """Returns the question with each of its choices."""
        question = self.text(example.fields)
        return tuple((question, choice) for choice in example.choices)

    def encode(self, examples: Sequence[Example], labels: Sequence[Label]) -> NDArray[Any]:
        """Returns 1 for a right choice and 0 for a wrong one, shape (items,)."""
        import numpy as np

        position = {label.name: place for place, label in enumerate(labels)}
        right = [
            place == position[str(example.target)]
            for example in examples
            for place in range(len(example.choices))
        ]
        return np.array(right, dtype=np.int64)

    def decide(
        self,
        probabilities: NDArray[np.float64],
        examples: Sequence[Example],
        labels: Sequence[Label],
        threshold: float | None = None,
    ) -> list[Prediction]:
        """Returns the choice that is most probably right; of equals, the first.

        Args:
            probabilities: Shape (items, 2): wrong and right; or (examples, labels): of each
                choice, 0 for those that a row does not have.
            examples: The examples.
            labels: The task's labels.
            threshold: Not used.
        """
        import numpy as np

        shares = probabilities
        if len(probabilities) != len(examples):
            shares = np.zeros((len(examples), len(labels)))
            start = 0
            for place, example in enumerate(examples):
                right = probabilities[start : start + len(example.choices), 1]
                even = np.full(len(right), 1 / len(right))
                shares[place, : len(right)] = right / right.sum() if right.sum() > 0 else even
                start += len(right)
        return [
            Prediction(labels[best].name, tuple(row))
            for best, row in zip(shares.argmax(axis=1).tolist(), shares.tolist(), strict=True)
        ]


def _choices(
    source: ChoiceSource, row: Row, where: Where
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Returns the texts of a row's choices, and their names where they have any."""
    columns = source.more_columns
    names: tuple[str, ...] = ()
    if len(columns) > 1:
        texts = tuple(row[column] for column in columns if row[column].strip())
    else:
        place = where(columns[0])
        value = read_json_cell(row[columns[0]], place, LIST)
        if isinstance(value, dict):
            names = as_texts(value.get("label"), place, LIST)
            value = value.get("text")
        texts = as_texts(value, place, LIST)
    if not 1 < len(texts) <= MOST or not all(map(str.strip, texts)):
        raise DataError(
            "these are not the choices of a question",
            where=where(columns[0]),
            found=list(texts),
            expected=f"2 to {MOST} texts, none of them empty",
        )
    return texts, names


def _letter(
    source: ChoiceSource, row: Row, choices: tuple[Sequence[str], Sequence[str]], where: Where
) -> str:
    """Returns the letter of the right one of a row's choices, which are texts and their names."""
    answer, (texts, names) = row[source.answer].strip(), choices
    letters = option_letters(len(texts))
    known = {
        "index": [str(number) for number in range(len(texts))],
        "number": [str(number + 1) for number in range(len(texts))],
        "letter": list(letters),
        "name": list(names),
        "text": [text.strip() for text in texts],
    }[source.answer_is]
    if answer not in known:
        raise DataError(
            "this is not one of the row's choices",
            where=where(source.answer),
            found=answer,
            expected=f"one of {', '.join(known) or 'the names that the choices do not have'} "
            f"(`answer_is: {source.answer_is}`)",
        )
    return letters[known.index(answer)]

"""What a task kind decides: its schema, the texts models read, the target, and the answer."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from harness.core.types import Example, FieldValue, Label, Prediction
from harness.tasks.kinds import KINDS, Answer
from harness.tasks.schema import Definition
from harness.tasks.source_schema import Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

D = TypeVar("D", bound=Definition)
S = TypeVar("S", bound=Source)
Row = Mapping[str, str]
Where = Callable[[str], str]
"""Gives the place of a column of a row, for messages."""
Item = tuple[str, ...]
"""What a classifier judges: a text, or two texts that belong together."""


class Kind(abc.ABC, Generic[D, S]):
    """The rules of one task: its kind, and what its YAML says.

    Attributes:
        name: The name of the kind.
        schema: The schema of its task YAML.
        definition: What the task YAML says.
    """

    name: ClassVar[str]
    schema: ClassVar[type[Definition]]

    def __init__(self, definition: D) -> None:
        self.definition = definition

    @property
    def answer(self) -> Answer:
        """What answers a row."""
        return KINDS.get(self.name).answer

    @property
    def out_of_scope(self) -> str | None:
        """The label of the rows outside all labels, where there is one."""
        return None

    @property
    def dropped(self) -> frozenset[str]:
        """The labels of the data that were taken off their rows, where a YAML says so."""
        return frozenset()

    @property
    def needs_threshold(self) -> bool:
        """Whether a row may be given several labels, or none."""
        return self.answer == "labels" or self.out_of_scope is not None

    def variables(self) -> frozenset[str]:
        """Returns what a prompt template can say of an example: its fields, and all its text."""
        return frozenset({"text", *(name for one in self.definition.data for name in one.fields)})

    def text(self, fields: Mapping[str, FieldValue]) -> str:
        """Returns the fields that are not empty, in order, a line each: what encoders read."""
        values = (str(value) for value in fields.values() if value is not None)
        return "\n".join(value for value in values if value.strip())

    def examples(
        self, source: S, number: int, row: Row, fields: Mapping[str, FieldValue], where: Where,
        *, labelled: bool,
    ) -> Iterable[Example]:  # fmt: skip
        """Gives the examples that a row of the data stands for; mostly one.

        Args:
            source: Where the row comes from.
            number: Its number in its split.
            row: Its columns, as text.
            fields: Its fields, already of the right types.
            where: Gives the place of a column of this row, for messages.
            labelled: Whether it has a target.

        Raises:
            DataError: The row has no target, or one that cannot be read.
        """
        yield Example(number, fields, self.target(source, row, where) if labelled else None)

    @abc.abstractmethod
    def target(self, source: S, row: Row, where: Where) -> str | tuple[str, ...]:
        """Returns the target of a row.

        Raises:
            DataError: The row has none, or one that cannot be read.
        """

    @abc.abstractmethod
    def labels(self, examples: Iterable[Example]) -> tuple[Label, ...]:
        """Returns the labels: those of the definition, else those of the training examples.

        Raises:
            DataError: There are none, or they cannot be told apart.
        """

    @abc.abstractmethod
    def check_targets(
        self, examples: Iterable[Example], labels: Sequence[Label], where: Callable[[Example], str]
    ) -> None:
        """Makes sure that every target is valid.

        Args:
            examples: Rows with targets.
            labels: The task's labels.
            where: Gives the place of a row's target, for messages.

        Raises:
            DataError: A target is not; the message says where, and names the nearest label.
        """

    def classes(self, example: Example) -> tuple[str, ...]:
        """Returns the classes that an example falls into: its labels, where they are classes."""
        return ()

    def items(self, example: Example) -> tuple[Item, ...]:
        """Returns what a classifier judges of an example: itself, or each of its choices."""
        return ((self.text(example.fields),),)

    def encode(self, examples: Sequence[Example], labels: Sequence[Label]) -> NDArray[Any]:
        """Returns the targets as classifiers learn them.

        Returns:
            The class of every item, integers of shape (items,); where a row has any number of
            labels, whether it has each, truth values of shape (items, labels).
        """
        raise NotImplementedError(f"{self.name} is answered with a text")

    def decide(
        self,
        probabilities: NDArray[np.float64],
        examples: Sequence[Example],
        labels: Sequence[Label],
        threshold: float | None = None,
    ) -> list[Prediction]:
        """Returns the prediction for every example.

        Args:
            probabilities: Shape (items, classes), as :meth:`encode` numbers them.
            examples: The examples, whose targets are not looked at.
            labels: The task's labels, in order.
            threshold: What a probability must reach for its label to be given; None where one
                is given in any case.
        """
        raise NotImplementedError(f"{self.name} is answered with a text")

    def read_answer(self, text: str, example: Example) -> str | None:
        """Returns the answer in a text that a model wrote; None where none can be read."""
        raise NotImplementedError(f"{self.name} is not answered with a text")

    def shaping(self) -> dict[str, Any]:
        """Returns what of the definition, beside labels and rows, can change a prediction."""
        return {}

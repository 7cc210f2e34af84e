"""What a task kind decides: its schema, the text encoders read, the target, and what is valid."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ClassVar, Generic, TypeVar

from harness.core.errors import DataError, nearest, shorten
from harness.core.types import Example, FieldValue, Label
from harness.tasks.schema import (
    Definition,
    LabelledDefinition,
    LabelledSource,
    LabelSpec,
    Source,
    label_problem,
)

D = TypeVar("D", bound=Definition)
S = TypeVar("S", bound=Source)
Row = Mapping[str, str]
MIN_LABELS = 2


class Kind(abc.ABC, Generic[D, S]):
    """A task kind.

    Attributes:
        definition: The schema of its task YAML.
    """

    definition: ClassVar[type[Definition]]

    @abc.abstractmethod
    def text(self, fields: Mapping[str, FieldValue]) -> str:
        """Returns an example's fields as the one text that encoders read."""

    @abc.abstractmethod
    def target(self, source: S, row: Row, where: Callable[[str], str]) -> str:
        """Returns the target of a row.

        Args:
            source: Where the row comes from.
            row: Its columns, as text.
            where: Gives the place of a column of this row, for messages.

        Raises:
            DataError: The row has none.
        """

    @abc.abstractmethod
    def labels(self, definition: D, targets: Iterable[str]) -> tuple[Label, ...]:
        """Returns the labels: those of the definition, else those among the training targets.

        Raises:
            DataError: There are none, or they cannot be told apart.
        """

    def out_of_scope(self, definition: D) -> str | None:  # noqa: ARG002 - most kinds have none
        """Returns the label of the rows outside all labels, where there is one."""
        return None

    @abc.abstractmethod
    def check_targets(
        self, examples: Iterable[Example], known: Sequence[str], where: Callable[[Example], str]
    ) -> None:
        """Makes sure that every target is valid.

        Args:
            examples: Rows with targets.
            known: The names of the labels, the out-of-scope one among them.
            where: Gives the place of a row's target, for messages.

        Raises:
            DataError: A target is not; the message says where, and names the nearest label.
        """


class LabelledKind(Kind[LabelledDefinition, LabelledSource]):
    """A kind whose rows have one label each, out of a closed list."""

    def target(self, source: LabelledSource, row: Row, where: Callable[[str], str]) -> str:
        """Returns the label of a row."""
        value = row[source.label]
        target = source.label_map.get(value, value)
        if not target.strip():
            raise DataError(
                "this row has no label",
                where=where(source.label),
                found=value,
                expected="a label; rows without one go into the split `unlabelled`",
            )
        return target

    def labels(self, definition: LabelledDefinition, targets: Iterable[str]) -> tuple[Label, ...]:
        """Returns the labels in the definition's order, else those found, sorted."""
        if definition.labels is not None:
            return tuple(spec.label() for spec in definition.labels)
        names = sorted(set(targets) - {definition.out_of_scope})
        hint = "list the labels in the task YAML, each with a verbalizer of its own"
        if len(names) < MIN_LABELS:
            found = f"{len(names)} different labels in the training rows"
            raise DataError("too few labels", found=found, expected="two or more", hint=hint)
        labels = tuple(LabelSpec(name=name).label() for name in names)
        if problem := label_problem(labels):
            raise DataError(str(problem), found=problem.found, expected=problem.expected, hint=hint)
        return labels

    def out_of_scope(self, definition: LabelledDefinition) -> str | None:
        """Returns the definition's out-of-scope label."""
        return definition.out_of_scope

    def check_targets(
        self, examples: Iterable[Example], known: Sequence[str], where: Callable[[Example], str]
    ) -> None:
        """Makes sure that every target is one of the labels."""
        names = frozenset(known)
        for example in examples:
            if example.target is None or example.target in names:
                continue
            close = nearest(example.target, known)
            raise DataError(
                "unknown label",
                where=where(example),
                found=example.target,
                expected=f"one of {shorten(', '.join(known), 400)}",
                hint=f"did you mean {close!r}?" if close else "map it in `label_map`",
            )

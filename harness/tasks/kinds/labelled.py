"""What the kinds with one label a row share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from harness.core.errors import DataError, nearest, shorten
from harness.core.types import Example, Label, Prediction
from harness.tasks.kinds.base import Kind, Row, Where
from harness.tasks.schema import LabelledDefinition, LabelSpec, label_problem
from harness.tasks.source_schema import LabelledSource

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MIN_LABELS = 2


class LabelledKind(Kind[LabelledDefinition, LabelledSource]):
    """A kind whose rows have one label each, out of a closed list."""

    @property
    def out_of_scope(self) -> str | None:
        """The definition's out-of-scope label."""
        return self.definition.out_of_scope

    def target(self, source: LabelledSource, row: Row, where: Where) -> str:
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

    def labels(self, examples: Iterable[Example]) -> tuple[Label, ...]:
        """Returns the labels in the definition's order, else those found, sorted."""
        return self.definition.listed() or found_labels(self.in_order(examples))

    def in_order(self, examples: Iterable[Example]) -> list[str]:
        """Returns the labels in scope that examples have, each once, in the order they take.

        Raises:
            DataError: The order cannot be told.
        """
        return sorted({str(example.target) for example in examples} - {self.out_of_scope or ""})

    def check_targets(
        self, examples: Iterable[Example], labels: Sequence[Label], where: Callable[[Example], str]
    ) -> None:
        """Makes sure that every target is one of the labels."""
        known = [*(label.name for label in labels), *filter(None, [self.out_of_scope])]
        check_known(
            ((str(row.target), row) for row in examples if row.target is not None), known, where
        )

    def shaping(self) -> dict[str, Any]:
        """Returns the out-of-scope label, which rows may be given."""
        return {"out_of_scope": self.out_of_scope} if self.out_of_scope else {}

    def classes(self, example: Example) -> tuple[str, ...]:
        """Returns the label."""
        return (str(example.target),)

    def encode(self, examples: Sequence[Example], labels: Sequence[Label]) -> NDArray[Any]:
        """Returns the position of every example's label, shape (examples,)."""
        import numpy as np

        position = {label.name: place for place, label in enumerate(labels)}
        return np.array([position[str(example.target)] for example in examples], dtype=np.int64)

    def decide(
        self,
        probabilities: NDArray[np.float64],
        examples: Sequence[Example],
        labels: Sequence[Label],
        threshold: float | None = None,
    ) -> list[Prediction]:
        """Returns the label of every row; the out-of-scope one where none is likely enough."""
        best = self.best(probabilities).tolist()
        highest = probabilities.max(axis=1).tolist()
        rejecting = threshold if self.out_of_scope else None
        return [
            Prediction(
                self.out_of_scope if rejecting is not None and top < rejecting
                else labels[place].name,
                tuple(row),
            )
            for place, top, row in zip(best, highest, probabilities.tolist(), strict=True)
        ]  # fmt: skip

    def best(self, probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
        """Returns the position of the label to give, shape (rows,): the most probable.

        Of equals it is the first in the task's order.
        """
        import numpy as np

        return np.asarray(probabilities.argmax(axis=1), dtype=np.int64)


def found_labels(names: Sequence[str]) -> tuple[Label, ...]:
    """Returns the labels that the data hold, where a task YAML lists none.

    Raises:
        DataError: There are fewer than two, or two have the same words.
    """
    hint = "list the labels in the task YAML, each with a verbalizer of its own"
    if len(names) < MIN_LABELS:
        found = f"{len(names)} different labels in the training rows"
        raise DataError("too few labels", found=found, expected="two or more", hint=hint)
    labels = tuple(LabelSpec(name=name).label() for name in names)
    if problem := label_problem(labels):
        raise DataError(str(problem), found=problem.found, expected=problem.expected, hint=hint)
    return labels


def check_known(
    targets: Iterable[tuple[str, Example]], known: Sequence[str], where: Callable[[Example], str]
) -> None:
    """Makes sure that labels are among those known.

    Raises:
        DataError: One is not; the message says where, and names the nearest.
    """
    names = frozenset(known)
    for target, example in targets:
        if target not in names:
            close = nearest(target, known)
            raise DataError(
                "unknown label",
                where=where(example),
                found=target,
                expected=f"one of {shorten(', '.join(known), 400)}",
                hint=f"did you mean {close!r}?" if close else "map it in `label_map`",
            )

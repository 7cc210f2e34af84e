"""Multi-label classification: a text gets any number of labels out of a list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator

from harness.core.schema import FieldProblem
from harness.core.types import Example, Label, Prediction
from harness.tasks.kinds.base import Kind, Row, Where
from harness.tasks.kinds.cells import read_list
from harness.tasks.kinds.labelled import check_known, found_labels
from harness.tasks.schema import LabelListDefinition
from harness.tasks.source_schema import Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LIST = 'a JSON list such as ["a", "b"], or name a `separator`'
EVEN = 0.5
"""The probability from which a label is given where no threshold has been chosen."""


class LabelsSource(Source):
    """A source whose rows have any number of labels each."""

    labels: str = Field(description="The column of the labels: a JSON list, or see `separator`.")
    separator: str | None = Field(
        default=None, min_length=1, description="What stands between labels; absent: a JSON list."
    )
    label_map: dict[str, str] = Field(
        default={}, description="Label for a value of the column, where they differ."
    )

    @property
    def target_column(self) -> str:
        """The column of the labels."""
        return self.labels


class MultiLabelDefinition(LabelListDefinition):
    """A task YAML of multi-label classification."""

    kind: Literal["multi_label"] = Field(
        description="A text gets any number of labels out of a list."
    )
    data: tuple[LabelsSource, ...] = Field(
        min_length=1,
        description="Where the data come from; the first source that is there is used.",
    )
    other_labels: Literal["error", "drop"] = Field(
        default="error",
        description="What becomes of a label that is not listed: a mistake, or taken off its row.",
    )

    @model_validator(mode="after")
    def _other_than_what(self) -> Self:
        if self.other_labels == "drop" and self.labels is None:
            raise FieldProblem(
                "no label is other than those listed: none are listed",
                field=("other_labels",),
                found=self.other_labels,
                expected="a key `labels:` that lists those to keep",
            )
        return self


class MultiLabel(Kind[MultiLabelDefinition, LabelsSource]):
    """Multi-label classification; a row may have no label at all."""

    name = "multi_label"
    schema = MultiLabelDefinition

    def __init__(self, definition: MultiLabelDefinition) -> None:
        super().__init__(definition)
        self._kept = frozenset(label.name for label in definition.listed())
        self._dropped: set[str] = set()

    @property
    def dropped(self) -> frozenset[str]:
        """The labels that were taken off the rows read so far, because they are not listed."""
        return frozenset(self._dropped)

    def target(self, source: LabelsSource, row: Row, where: Where) -> tuple[str, ...]:
        """Returns the labels of a row, sorted; without those that are to be dropped."""
        values = read_list(
            row[source.labels], where(source.labels), separator=source.separator, expected=LIST
        )
        names = {source.label_map.get(value, value) for value in values}
        if self.definition.other_labels == "drop":
            self._dropped |= names - self._kept
            names &= self._kept
        return tuple(sorted(names))

    def labels(self, examples: Iterable[Example]) -> tuple[Label, ...]:
        """Returns the labels in the definition's order, else those found, sorted."""
        found = {name for one in examples for name in one.target or ()}
        return self.definition.listed() or found_labels(sorted(found))

    def check_targets(
        self, examples: Iterable[Example], labels: Sequence[Label], where: Callable[[Example], str]
    ) -> None:
        """Makes sure that every label is one of the task's."""
        pairs = ((name, row) for row in examples for name in row.target or ())
        check_known(pairs, [label.name for label in labels], where)

    def classes(self, example: Example) -> tuple[str, ...]:
        """Returns the labels."""
        return tuple(example.target or ())

    def encode(self, examples: Sequence[Example], labels: Sequence[Label]) -> NDArray[Any]:
        """Returns whether each example has each label, shape (examples, labels)."""
        import numpy as np

        names = [label.name for label in labels]
        has = [[name in (example.target or ()) for name in names] for example in examples]
        return np.array(has, dtype=np.bool_).reshape(len(examples), len(names))

    def decide(
        self,
        probabilities: NDArray[np.float64],
        examples: Sequence[Example],
        labels: Sequence[Label],
        threshold: float | None = None,
    ) -> list[Prediction]:
        """Returns all labels whose probability reaches the threshold, sorted; perhaps none."""
        least = EVEN if threshold is None else threshold
        return [
            Prediction(
                tuple(
                    sorted(
                        label.name
                        for label, share in zip(labels, row, strict=True)
                        if share >= least
                    )
                ),
                tuple(row),
            )
            for row in probabilities.tolist()
        ]

"""Task kinds: what a row's texts, target and answer are; one file each. Their name table."""

from __future__ import annotations

import dataclasses
from typing import Literal

from harness.core.registry import Entry, Registry

Answer = Literal["label", "choice", "labels", "text"]


@dataclasses.dataclass(frozen=True, slots=True)
class KindEntry(Entry):
    """What a plan must know of a task kind before importing it.

    Attributes:
        answer: What answers a row: one label of a list, one of the row's own choices, any number
            of labels, or a text.
    """

    answer: Answer = "label"

    @property
    def has_classes(self) -> bool:
        """Whether rows fall into classes, so that a label budget can be so many a class."""
        return self.answer in ("label", "labels")


KINDS: Registry[KindEntry] = Registry(
    "task kind",
    [
        KindEntry(
            "single_label",
            "harness.tasks.kinds.single_label:SingleLabel",
            "a text gets one label out of a list",
        ),
        KindEntry(
            "text_pair",
            "harness.tasks.kinds.text_pair:TextPair",
            "two texts get one label: entailment, paraphrase, relevance",
        ),
        KindEntry(
            "multiple_choice",
            "harness.tasks.kinds.multiple_choice:MultipleChoice",
            "a question with choices of its own, one of which is right",
            "choice",
        ),
        KindEntry(
            "multi_label",
            "harness.tasks.kinds.multi_label:MultiLabel",
            "a text gets any number of labels out of a list",
            "labels",
        ),
        KindEntry(
            "ordinal",
            "harness.tasks.kinds.ordinal:Ordinal",
            "a text gets one label out of a list with an order, such as a rating",
        ),
        KindEntry(
            "extraction",
            "harness.tasks.kinds.extraction:Extraction",
            "a span or short answer is taken from a text",
            "text",
        ),
        KindEntry(
            "generation",
            "harness.tasks.kinds.generation:Generation",
            "an open answer is written",
            "text",
        ),
    ],
    group="harness.kinds",
)


def kinds_answered_by(*answers: Answer) -> tuple[str, ...]:
    """Returns the names of our kinds whose rows are answered so."""
    return tuple(entry.name for entry in KINDS if entry.answer in answers)

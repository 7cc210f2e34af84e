"""What classifiers learn from: the items of the label budget, and the labels' own words."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.core.types import Example
from harness.methods.base import Context
from harness.tasks.kinds.base import Item

LABEL_EXAMPLES = (
    "how many examples of it a label's name and description count as; 0 where they say nothing of "
    "what its texts say"
)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """Items with their targets.

    Attributes:
        items: Those of the budget, and after them the words of labels.
        targets: Classes, shape (items,), or truth values, shape (items, labels).
        words: How many of the last items are words of labels.
    """

    items: list[Item]
    targets: NDArray[Any]
    words: int


def lessons_of(context: Context, examples: Sequence[Example], label_examples: int) -> Lessons:
    """Returns what there is to learn.

    The words of a label are a text like any other where what is judged is one text; of pairs and
    choices they are not. Words without a letter, such as a rating's number, say nothing.

    Args:
        context: The labels, and what the task's kind makes of examples.
        examples: The budget.
        label_examples: How often the words of each label are learnt.
    """
    items, targets = context.items(examples), context.targets(examples)
    if not items or len(items[0]) > 1:
        return Lessons(items, targets, 0)
    told = [place for place, label in enumerate(context.labels) if _has_letters(label.words)]
    told *= label_examples
    classes = np.array(told, dtype=np.int64)
    if targets.ndim > 1:
        classes = np.eye(context.classes, dtype=targets.dtype)[classes]
    return Lessons(
        items + [(context.labels[place].words,) for place in told],
        np.concatenate([targets, classes.astype(targets.dtype)]),
        len(told),
    )


def _has_letters(text: str) -> bool:
    return any(map(str.isalpha, text))

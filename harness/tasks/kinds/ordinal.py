"""Ordinal classification: labels with an order, such as ratings."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from harness.core.errors import DataError
from harness.core.types import Example
from harness.tasks.kinds.labelled import LabelledKind
from harness.tasks.schema import LabelledDefinition

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class OrdinalDefinition(LabelledDefinition):
    """A task YAML of ordinal classification; `labels` are listed from the lowest up."""

    kind: Literal["ordinal"] = Field(description="A text gets one label out of an ordered list.")


class Ordinal(LabelledKind):
    """Ordinal classification. Errors are counted in steps between labels."""

    name = "ordinal"
    schema = OrdinalDefinition

    def in_order(self, examples: Iterable[Example]) -> list[str]:
        """Returns the labels in scope that examples have: numbers, rising."""
        names = super().in_order(examples)
        if odd := [name for name in names if _number(name) is None]:
            raise DataError(
                "the order of the labels is not known",
                found=odd[0],
                expected="numbers, or a list `labels` in the task YAML, from the lowest up",
            )
        return sorted(names, key=lambda name: (_number(name), name))

    def best(self, probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
        """Returns the median of the labels, shape (rows,): it makes the expected error smallest.

        The expected absolute error of a distribution is smallest at its median.
        """
        import numpy as np

        reached = probabilities.cumsum(axis=1) >= 0.5 * probabilities.sum(axis=1, keepdims=True)
        return np.asarray(reached.argmax(axis=1), dtype=np.int64)


def _number(name: str) -> float | None:
    try:
        value = float(name)
    except ValueError:
        return None
    return value if math.isfinite(value) else None

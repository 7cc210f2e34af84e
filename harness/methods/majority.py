"""Control: what is reached without reading the text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from harness.core.settings import settings
from harness.core.types import Example, Prediction, Target
from harness.methods.base import Method


@settings
class Majority(Method):
    """Predicts the most frequent target of the budget, with the label frequencies as probabilities.

    Of equally frequent labels the first in the task's order is taken; of equally frequent sets of
    labels, or answers, the first in the budget.
    """

    def learn(self, train: Sequence[Example], unlabelled: Sequence[Example]) -> None:
        """Counts the targets."""
        labels = [label.name for label in self.context_.labels]
        counts = Counter(self._target(example) for example in train)
        most = max(counts.values())
        often = [target for target, count in counts.items() if count == most]
        self.target_ = min(often, key=lambda one: labels.index(one) if one in labels else 0)
        having = Counter(
            label
            for target, count in counts.items()
            for label in (target if isinstance(target, tuple) else (target,)) * count
        )
        self.frequencies_ = tuple(having[label] / len(train) for label in labels) or None

    def predict(self, examples: Sequence[Example]) -> list[Prediction]:
        """Returns the same prediction for every example."""
        return [Prediction(self.target_, self.frequencies_)] * len(examples)

    def _target(self, example: Example) -> Target:
        """Returns the target; of several answers that count as right, the first."""
        if self.context_.rules.answer == "text":
            return (example.target or ("",))[0]
        return example.target or ()

"""The one contract of every way of transfer."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from harness.core.settings import stored
from harness.core.types import Example, Label, Prediction
from harness.models.base import CausalLM, Encoder
from harness.models.meter import Meter
from harness.prompts.template import PromptTemplate
from harness.tasks.kinds.base import Item, Kind
from harness.training.folds import scope_threshold, set_threshold


@dataclasses.dataclass(frozen=True, slots=True)
class Context:
    """What a method is given besides examples.

    Attributes:
        labels: The task's labels, in order.
        rules: What the task's kind makes of examples: texts, targets, answers.
        seed: The seed of everything random in this cell.
        meter: What the cell is charged.
        encoder: There when the method's entry asks for an encoder.
        causal_lm: There when the method's entry asks for a causal LM.
        prompt: There when the method's entry asks for a prompt.
        test_blocks: All test rows without their labels, in the blocks in which they will be
            predicted; there for a transductive method alone.
    """

    labels: tuple[Label, ...]
    rules: Kind[Any, Any]
    seed: int
    meter: Meter
    encoder: Encoder | None = None
    causal_lm: CausalLM | None = None
    prompt: PromptTemplate | None = None
    test_blocks: Sequence[Sequence[Example]] = ()

    def text(self, example: Example) -> str:
        """Returns an example's fields as the one text that encoders read."""
        return self.rules.text(example.fields)

    def texts(self, examples: Sequence[Example]) -> list[str]:
        """Returns the text of every example."""
        return [self.text(example) for example in examples]

    def items(self, examples: Sequence[Example]) -> list[Item]:
        """Returns what classifiers judge: every example, or each of its choices."""
        return [item for example in examples for item in self.rules.items(example)]

    def targets(self, examples: Sequence[Example]) -> NDArray[Any]:
        """Returns the targets as classifiers learn them; see :meth:`.Kind.encode`."""
        return self.rules.encode(examples, self.labels)

    @property
    def classes(self) -> int:
        """How many classes an item can have: the labels; of a choice two, wrong and right."""
        return 2 if self.rules.answer == "choice" else len(self.labels)


class Method(abc.ABC):
    """A way of transfer. A subclass's constructor only stores its settings.

    What :meth:`fit` learns is kept in attributes that end in ``_``.
    """

    context_: Context

    def fit(
        self, train: Sequence[Example], unlabelled: Sequence[Example], context: Context
    ) -> Self:
        """Learns from the label budget, and from unlabelled examples where the method can.

        Args:
            train: The labelled examples of this draw: all the labels the method may see.
            unlabelled: Examples without labels, none of them a test row.
            context: Models, labels and seed.

        Returns:
            The method itself, ready to predict.
        """
        self.context_ = context
        self.learn(train, unlabelled)
        return self

    @abc.abstractmethod
    def learn(self, train: Sequence[Example], unlabelled: Sequence[Example]) -> None:
        """Does the learning; ``context_`` is there already."""

    @abc.abstractmethod
    def predict(self, examples: Sequence[Example]) -> list[Prediction]:
        """Returns a prediction for each example, whose targets have been taken away.

        It is called with one block of test rows after the other, and what it says of a row may
        not depend on the others.
        """

    def learnt(self) -> dict[str, Any]:
        """Returns what :meth:`fit` has learnt, by attribute."""
        return {
            name: value
            for name, value in vars(self).items()
            if name.endswith("_") and name != "context_"
        }

    def restore(self, learnt: dict[str, Any], context: Context) -> Self:
        """Makes a new method what another one was when it had learnt this."""
        self.context_ = context
        vars(self).update(learnt)
        return self

    @property
    def unused(self) -> frozenset[str]:
        """What these settings do without, of the uses and models that the method's entry names."""
        return frozenset()

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of other methods that it is made of."""
        return ()

    def stored_settings(self) -> dict[str, Any]:
        """Returns every setting by name, as given or by default."""
        return stored(self)

    @property
    def encoder(self) -> Encoder:
        """The encoder of this cell."""
        if self.context_.encoder is None:
            raise TypeError(f"{type(self).__name__} was given no encoder")
        return self.context_.encoder

    def embed(self, examples: Sequence[Example]) -> NDArray[np.float32]:
        """Returns the embeddings as the encoder gives them, shape (examples, dimensions)."""
        return self.encoder.encode(self.context_.texts(examples)).values

    def decide(
        self,
        probabilities: NDArray[np.float64],
        examples: Sequence[Example],
        threshold: float | None = None,
    ) -> list[Prediction]:
        """Returns predictions as the task's kind makes them; see :meth:`.Kind.decide`."""
        return self.context_.rules.decide(probabilities, examples, self.context_.labels, threshold)

    def choose_threshold(
        self, probabilities: NDArray[np.float64], examples: Sequence[Example]
    ) -> float:
        """Returns the threshold that suits held-out examples best.

        Of rows with several labels it is what a label must reach to be given, else what the
        highest probability must reach for a row to be in scope.

        Args:
            probabilities: Shape (examples, labels).
            examples: The examples, with their targets.
        """
        if self.context_.rules.answer == "labels":
            return set_threshold(probabilities, self.context_.targets(examples))
        answers = self.decide(probabilities, examples)
        right = [
            answer.output == example.target
            for answer, example in zip(answers, examples, strict=True)
        ]
        return scope_threshold(probabilities.max(axis=1), np.array(right, dtype=bool))

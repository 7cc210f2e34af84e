"""The one contract of every way of transfer."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Self, TypeVar, cast, dataclass_transform

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass as pydantic_dataclass

from harness.core.types import Example, Label, Prediction
from harness.models.base import CausalLM, Encoder
from harness.models.meter import Meter
from harness.prompts.template import PromptTemplate

C = TypeVar("C")


@dataclass_transform(kw_only_default=True)
def settings(cls: type[C]) -> type[C]:
    """Makes a method's annotated attributes its settings: keyword-only, checked, and stored."""
    config = ConfigDict(extra="forbid", str_strip_whitespace=True, allow_inf_nan=False)
    return cast("type[C]", pydantic_dataclass(config=config, kw_only=True)(cls))


@dataclasses.dataclass(frozen=True, slots=True)
class Context:
    """What a method is given besides examples.

    Attributes:
        labels: The task's labels, in order.
        text: Gives an example's fields as the one text that encoders read.
        seed: The seed of everything random in this cell.
        meter: What the cell is charged.
        encoder: There when the method's entry asks for an encoder.
        causal_lm: There when the method's entry asks for a causal LM.
        prompt: There when the method's entry asks for a prompt.
        test_blocks: All test rows without their labels, in the blocks in which they will be
            predicted; there for a transductive method alone.
    """

    labels: tuple[Label, ...]
    text: Callable[[Example], str]
    seed: int
    meter: Meter
    encoder: Encoder | None = None
    causal_lm: CausalLM | None = None
    prompt: PromptTemplate | None = None
    test_blocks: Sequence[Sequence[Example]] = ()

    def texts(self, examples: Sequence[Example]) -> list[str]:
        """Returns the text of every example."""
        return [self.text(example) for example in examples]

    def targets(self, examples: Sequence[Example]) -> NDArray[np.int64]:
        """Returns the position of every example's label, shape (examples,)."""
        position = {label.name: place for place, label in enumerate(self.labels)}
        return np.array([position[str(example.target)] for example in examples], dtype=np.int64)


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

    @property
    def unused(self) -> frozenset[str]:
        """What these settings do without, of the uses and models that the method's entry names."""
        return frozenset()

    def stored_settings(self) -> dict[str, Any]:
        """Returns every setting by name, as given or by default."""
        fields = dataclasses.fields(self)  # type: ignore[arg-type]
        return {field.name: getattr(self, field.name) for field in fields}

    @property
    def encoder(self) -> Encoder:
        """The encoder of this cell."""
        if self.context_.encoder is None:
            raise TypeError(f"{type(self).__name__} was given no encoder")
        return self.context_.encoder

    def embed(self, examples: Sequence[Example]) -> NDArray[np.float32]:
        """Returns the embeddings as the encoder gives them, shape (examples, dimensions)."""
        return self.encoder.encode(self.context_.texts(examples)).values


def to_predictions(probabilities: NDArray[np.float64], labels: Sequence[Label]) -> list[Prediction]:
    """Returns the most probable label of every row; of equals, the first in the task's order.

    Args:
        probabilities: Shape (rows, labels), rows adding up to 1.
        labels: The task's labels, in order.
    """
    return [
        Prediction(labels[best].name, tuple(row))
        for best, row in zip(
            probabilities.argmax(axis=1).tolist(), probabilities.tolist(), strict=True
        )
    ]

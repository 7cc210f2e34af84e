"""Fine-tuning or feature extraction: a method teaches itself with what it is sure of."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, Self, cast

from pydantic import Field

from harness.core.settings import settings
from harness.core.types import Example, Prediction
from harness.methods import METHODS, MethodEntry
from harness.methods.base import Context, Method
from harness.methods.classifier import THRESHOLD, Classifier
from harness.methods.fine_tuned import TAUGHT_EPOCHS, taught_epochs
from harness.methods.lessons import LABEL_EXAMPLES

Base = Literal["fine_tune", "last_layers", "lora", "contrastive", "linear_probe", "prototypes"]


@settings
class SelfTraining(Method):
    """Answers the unlabelled examples, and learns again from those that it is sure of too.

    Self-training with a threshold, as in Yarowsky 1995 ("Unsupervised Word Sense Disambiguation
    Rivaling Supervised Methods"). The second model starts afresh; a threshold of the task is the
    first model's, because guesses tell nothing of where guessing goes wrong. Where the budget is
    of another domain and the unlabelled examples are of the target's, it adapts the classifier.
    """

    base: Annotated[Base, Field(description="the method that teaches and learns")] = "fine_tune"
    confidence: Annotated[
        float,
        Field(ge=0, le=1, description="probability that an answer must reach to be learnt; of a "
              "row with several labels, that each of them must be given or left out with"),
    ] = 0.8  # fmt: skip
    rounds: Annotated[int, Field(gt=0, description="how often it is learnt again")] = 1
    epochs: Annotated[
        int | None,
        Field(gt=0, description="passes over the budget and the guesses together, at least, where "
              f"the base trains an encoder; absent: {TAUGHT_EPOCHS}, of a network with random "
              "weights as many as the base takes"),
    ] = None  # fmt: skip
    threshold: Annotated[float | None, Field(ge=0, le=1, description=THRESHOLD)] = None
    label_examples: Annotated[int, Field(ge=0, le=1000, description=LABEL_EXAMPLES)] = 2

    def learn(self, train: Sequence[Example], unlabelled: Sequence[Example]) -> None:
        """Learns from the budget, answers the other examples, and learns from both.

        Where the unlabelled examples are the training pool, those of the budget are left out.
        """
        labelled = set(map(_asked, train))
        unlabelled = [one for one in unlabelled if _asked(one) not in labelled]
        taught: dict[str, float | int | None] = {
            "threshold": self.threshold,
            "label_examples": self.label_examples,
        }
        self.model_ = self._fit(train, taught)
        if epochs := self._taught_epochs():
            taught["epochs"] = epochs
        for _ in range(self.rounds):
            guessed = list(self._sure(unlabelled)) if unlabelled else []
            if not guessed:
                self.context_.meter.note(
                    f"of {len(unlabelled)} unlabelled rows {self.base} is sure of none"
                )
                return
            taught["threshold"] = self.model_.threshold_
            del self.model_  # there is memory for one trained encoder, perhaps not for two
            self.model_ = self._fit([*train, *guessed], taught)

    def predict(self, examples: Sequence[Example]) -> list[Prediction]:
        """Returns what the last model says."""
        return self.model_.predict(examples)

    def learnt(self) -> dict[str, Any]:
        """Returns what the last model has learnt."""
        return self.model_.learnt()

    def restore(self, learnt: dict[str, Any], context: Context) -> Self:
        """Makes a new last model of it."""
        self.context_ = context
        self.model_ = self._entry.load()().restore(learnt, context)
        return self

    @property
    def unused(self) -> frozenset[str]:
        """What its base does without."""
        base: Classifier = self._entry.load()(label_examples=self.label_examples)
        return frozenset({"seed", "label_words"} - set(self._entry.uses)) | base.unused

    @property
    def parts(self) -> tuple[str, ...]:
        """Its base."""
        return (self.base,)

    @property
    def _entry(self) -> MethodEntry:
        return METHODS.get(self.base)

    def _taught_epochs(self) -> int | None:
        """Returns how many passes the second model makes; None where its base says how many."""
        if self._entry.way != "fine-tuning":
            return None
        return self.epochs or taught_epochs(self.encoder.identity)

    def _fit(self, examples: Sequence[Example], given: dict[str, float | int | None]) -> Classifier:
        model: Classifier = self._entry.load()(**given)
        return model.fit(examples, (), self.context_)

    def _sure(self, unlabelled: Sequence[Example]) -> Iterator[Example]:
        """Yields the unlabelled examples that are answered surely, with the answers as targets."""
        known = [label.name for label in self.context_.labels]
        several = self.context_.rules.answer == "labels"
        for example, answer in zip(unlabelled, self.model_.predict(unlabelled), strict=True):
            shares = cast("tuple[float, ...]", answer.probabilities)  # of a classifier always
            if several:
                given = set(answer.output or ())
                pairs = zip(known, shares, strict=True)
                sure = min(one if name in given else 1 - one for name, one in pairs)
            else:
                sure = shares[known.index(answer.output)] if answer.output in known else -1.0
            if sure >= self.confidence:
                yield dataclasses.replace(example, target=answer.output)


def _asked(example: Example) -> tuple[object, ...]:
    """Returns what an example asks: its fields, and what there is to choose from."""
    return (*example.fields.items(), example.choices)

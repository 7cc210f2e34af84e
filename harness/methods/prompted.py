"""What both prompting methods do: score every label as the continuation of a prompt."""

from __future__ import annotations

from collections.abc import Sequence

from harness.core.types import Example, Prediction
from harness.methods.base import Method, to_predictions
from harness.prompting.build import PromptBuilder
from harness.stats.arrays import softmax


class Prompted(Method):
    """Scores log p(label | prompt), summed over the label's tokens, for every label."""

    demonstrations_: list[Example]

    def prepare(self, demonstrations: Sequence[Example]) -> None:
        """Keeps the demonstrations and the builder of prompts."""
        context = self.context_
        if context.causal_lm is None or context.prompt is None:
            raise TypeError(f"{type(self).__name__} was given no causal LM or no prompt")
        self.demonstrations_ = list(demonstrations)
        self.builder_ = PromptBuilder(
            template=context.prompt,
            labels=context.labels,
            text=context.text,
            model=context.causal_lm,
        )

    def predict(self, examples: Sequence[Example]) -> list[Prediction]:
        """Returns the softmax of the labels' log-likelihoods."""
        prompts = self.builder_.build(examples, self.demonstrations_)
        outputs = self.builder_.model.label_loglikelihoods(prompts, self.builder_.continuations)
        return to_predictions(softmax(outputs.values), self.context_.labels)

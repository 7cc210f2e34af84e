"""Answers that are texts: written by the model, or the likeliest of those allowed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from harness.core.errors import UserError
from harness.core.types import Example, Prediction
from harness.prompting.build import Built, PromptBuilder
from harness.tasks.kinds.answered import TextKind


@dataclasses.dataclass(frozen=True, slots=True)
class Writer:
    """Has a model answer prompts with texts.

    Attributes:
        builder: What the prompts were built by.
        constrained: Whether the answer is the likeliest of the allowed ones, each followed by
            the task's first stop text, so that short ones are not preferred for ending early.
    """

    builder: PromptBuilder
    constrained: bool

    def write(self, built: Built, examples: Sequence[Example]) -> list[Prediction]:
        """Returns the answer to each prompt; unread where none could be read in what was written.

        Raises:
            UserError: Answers are to be constrained, and the task allows any.
        """
        rules = self.builder.rules
        if not isinstance(rules, TextKind):
            raise TypeError(f"{rules.name} is not answered with a text")
        texts = self._chosen(rules, built, examples) if self.constrained else self._free(
            rules, built
        )  # fmt: skip
        answers = [
            rules.read_answer(text, example) for text, example in zip(texts, examples, strict=True)
        ]
        return [
            Prediction(None, failure="unread") if answer is None else Prediction(answer)
            for answer in answers
        ]

    def _free(self, rules: TextKind[Any, Any], built: Built) -> Sequence[str]:
        definition = rules.definition
        written = self.builder.model.generate(
            built.prompts, stop=definition.stop, max_tokens=definition.max_tokens
        )
        return written.values

    def _chosen(
        self, rules: TextKind[Any, Any], built: Built, examples: Sequence[Example]
    ) -> Sequence[str]:
        allowed = [rules.allowed(example) for example in examples]
        if not all(allowed):
            raise UserError(
                "constrained=true needs a list of the answers that are allowed",
                expected="`answers` in the task YAML",
            )
        gap, end = self.builder.template.gap, rules.definition.stop[0]
        scores = self.builder.model.label_loglikelihoods(
            built.prompts, [[gap + answer + end for answer in answers] for answers in allowed]
        ).values
        best = scores.argmax(axis=1).tolist()
        return [answers[place] for answers, place in zip(allowed, best, strict=True)]

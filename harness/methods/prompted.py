"""What both prompting methods do: score every label as the continuation of a prompt."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from harness.core.types import Example, Prediction
from harness.methods.base import Method, settings, to_predictions
from harness.prompting import calibration as calibrating
from harness.prompting.build import Built, PromptBuilder
from harness.prompting.calibration import CONTENT_FREE, Calibration, Calibrator, Mean
from harness.prompting.scores import Score, label_scores
from harness.stats.arrays import softmax

Floats = NDArray[np.float64]

CALIBRATION = (
    "inputs whose mean score is taken away: none, content_free, domain (unlabelled training texts) "
    "or batch (the test inputs: transductive)"
)
MIN_FOR_SPREAD = 16
"""With fewer calibrating inputs a label's spread is not known well enough to be evened out."""
CALIBRATION_SEED = 0
"""The same texts calibrate every draw and every run, so that they are scored once."""


@settings
class Prompted(Method):
    """Scores log p(label | prompt) for every label, less what the model thinks of the label alone.

    All calibrations and scores are arithmetic on log-likelihoods that are computed once.
    """

    calibration: str | None = None
    score: Annotated[
        Score,
        Field(description="log-likelihood of a label: sum, per token, character, byte, or pmi"),
    ] = "sum"
    mean: Annotated[
        Mean, Field(description="mean of log-likelihoods, or log of the mean probability")
    ] = "log"
    spread: Annotated[
        float,
        Field(ge=0, le=1, description="how much of the labels' different spread over texts is "
              "evened out, by domain and batch"),
    ] = 0.5  # fmt: skip
    texts: Annotated[
        int, Field(gt=0, le=100_000, description="unlabelled texts that calibration=domain reads")
    ] = 128
    temperature: Annotated[
        float, Field(ge=1e-3, le=1e3, description="what scores are divided by before the softmax")
    ] = 1.0
    chat: Annotated[
        bool, Field(description="prompts as conversations, in the model's chat template")
    ] = False

    @property
    def calibrates(self) -> str:
        """The calibration, where it is absent the one that fits the other settings."""
        return self.calibration or "domain"

    @property
    def unused(self) -> frozenset[str]:
        """What calibration does without."""
        inputs = {"domain": "unlabelled", "batch": "test_inputs"}
        return frozenset(
            use for calibration, use in inputs.items() if calibration != self.calibrates
        )

    def demonstrations(self, examples: Sequence[Example]) -> Sequence[Sequence[Example]]:
        """Returns what the prompt of each example shows before it."""
        return [()] * len(examples)

    def prepare(
        self,
        calibration: Calibration,
        unlabelled: Sequence[Example],
        avoid: Collection[str] = (),
    ) -> None:
        """Makes the builder of prompts, and calibrates.

        Args:
            calibration: With which inputs.
            unlabelled: Training texts without labels.
            avoid: Normalised texts that are not to calibrate: those the prompt answers.
        """
        context = self.context_
        if context.causal_lm is None or context.prompt is None:
            raise TypeError(f"{type(self).__name__} was given no causal LM or no prompt")
        self.builder_ = PromptBuilder(
            template=context.prompt,
            labels=context.labels,
            text=context.text,
            model=context.causal_lm,
            chat=self.chat,
        )
        self.temperature_ = self.temperature
        self.calibrator_: Calibrator | None = None
        # What the test inputs are scored for belongs to predicting them.
        if calibration not in ("none", "batch"):
            self.calibrator_ = self.calibrator(calibration, unlabelled, avoid)

    def predict(self, examples: Sequence[Example]) -> list[Prediction]:
        """Returns the softmax of the labels' calibrated scores."""
        built = self.builder_.build(examples, self.demonstrations(examples))
        self.context_.meter.shortened += built.shortened
        scores = self._scores(built)
        if self.calibrator_ is None and self.calibrates == "batch":
            self.calibrator_ = self.calibrator("batch", (), ())
        calibrated = self.calibrator_(scores) if self.calibrator_ else scores
        return to_predictions(softmax(calibrated / self.temperature_), self.context_.labels)

    def calibrator(
        self, calibration: Calibration, unlabelled: Sequence[Example], avoid: Collection[str]
    ) -> Calibrator:
        """Returns what a calibration does to every row of scores.

        Where there are hardly any unlabelled texts for ``domain``, texts without content stand in.
        """
        scores: list[Floats] = []
        if calibration == "batch":
            # Block by block as in prediction, so that the prompts share what they share there.
            scores = [self.scores(block) for block in self.context_.test_blocks]
        if calibration == "domain":
            chosen = calibrating.choose_inputs(
                unlabelled,
                count=self.texts,
                seed=CALIBRATION_SEED,
                text=self.context_.text,
                avoid=avoid,
            )
            scores = [self.scores(chosen)] if len(chosen) >= len(CONTENT_FREE) else []
        if not scores:
            queries = [Example(row, {"text": text}) for row, text in enumerate(CONTENT_FREE)]
            built = self.builder_.content_free(CONTENT_FREE, self.demonstrations(queries))
            scores = [self._scores(built)]
        inputs = np.concatenate(scores)
        spread = self.spread if len(inputs) >= MIN_FOR_SPREAD else 0.0
        return Calibrator.learn(inputs, mean=self.mean, spread=spread)

    def scores(self, examples: Sequence[Example]) -> Floats:
        """Returns the labels' scores before calibration, shape (examples, labels)."""
        return self._scores(self.builder_.build(examples, self.demonstrations(examples)))

    def _scores(self, built: Built) -> Floats:
        model = self.builder_.model
        continuations = [built.continuations] * len(built.prompts)
        tokens = unconditional = None
        if self.score == "token":
            tokens = model.continuation_lengths(built.prompts, continuations)
        if self.score == "pmi":
            alone = model.label_loglikelihoods([self.builder_.cue()], [built.continuations])
            unconditional = alone.values[0]
        return label_scores(
            model.label_loglikelihoods(built.prompts, continuations).values,
            score=self.score,
            continuations=continuations,
            tokens=tokens,
            unconditional=unconditional,
        )

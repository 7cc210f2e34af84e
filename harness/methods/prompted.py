"""What both prompting methods do: score every answer as the continuation of a prompt, or write."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from harness.core.settings import settings
from harness.core.types import Example, Prediction
from harness.methods.base import Method
from harness.prompting import calibration as calibrating
from harness.prompting.build import Built, PromptBuilder
from harness.prompting.calibration import CONTENT_FREE, Calibration, Calibrator, Mean
from harness.prompting.scores import Score, label_scores
from harness.prompting.writing import Writer
from harness.stats.arrays import relative, softmax
from harness.training.folds import scope_threshold

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

    All calibrations and scores are arithmetic on log-likelihoods that are computed once. Choices
    that differ from row to row cannot be calibrated so, unless letters stand for them. Where the
    answer is a text the model writes it, or scores all allowed ones.
    """

    calibration: str | None = None
    score: Annotated[
        Score | None,
        Field(description="log-likelihood of a label: sum, per token, character, byte, or pmi; "
              "absent: sum, and pmi for choices in words"),
    ] = None  # fmt: skip
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
    threshold: Annotated[
        float | None,
        Field(ge=0, le=1, description="rows with several labels: share of the likeliest label's "
              "probability that others must reach; rows that may be out of scope: probability of "
              "the best label; when absent, a half for zero_shot of several labels, else chosen "
              "on texts that are no test rows"),
    ] = None  # fmt: skip
    constrained: Annotated[
        bool,
        Field(description="where the answer is a text: take the likeliest of the allowed answers, "
              "or of the text's own spans, in place of writing freely"),
    ] = False  # fmt: skip

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
            rules=context.rules,
            model=context.causal_lm,
            chat=self.chat,
        )
        self.temperature_ = self.temperature
        self.threshold_ = self.threshold
        self.calibrator_: Calibrator | None = None
        # What the test inputs are scored for belongs to predicting them.
        if self.can_calibrate and calibration not in ("none", "batch"):
            self.calibrator_ = self.calibrator(calibration, unlabelled, avoid)

    def take_scope_threshold(
        self, unlabelled: Sequence[Example], avoid: Collection[str] = ()
    ) -> None:
        """Takes the threshold for rows out of scope that suits texts without labels, if any."""
        if self.threshold is None and self.context_.rules.out_of_scope is not None:
            inputs = self.inputs(unlabelled, avoid)
            if inputs:
                self.threshold_ = scope_threshold(self.probabilities(inputs).max(axis=1))

    @property
    def can_calibrate(self) -> bool:
        """Whether all rows have the same labels to calibrate.

        The letters of choices are the same too, but are better left as they are (docs/prompting.md
        says by how much), so they are calibrated only where that is asked for.
        """
        answer = self.context_.rules.answer
        letters = self.builder_.template.style == "letters" and self.calibration is not None
        return answer in ("label", "labels") or (answer == "choice" and letters)

    def predict(self, examples: Sequence[Example]) -> list[Prediction]:
        """Returns what the softmax of the labels' calibrated scores says, or what is written."""
        built = self.builder_.build(examples, self.demonstrations(examples))
        self.context_.meter.shortened += built.shortened
        if self.context_.rules.answer == "text":
            writer = Writer(self.builder_, constrained=self.constrained)
            return writer.write(built, examples)
        probabilities = self._to_probabilities(self._scores(built))
        return self.decide(probabilities, examples, self.threshold_)

    def probabilities(self, examples: Sequence[Example]) -> Floats:
        """Returns the softmax of the labels' calibrated scores, shape (examples, labels).

        Where rows may have several labels, a label's probability is divided by that of the
        likeliest answer, which may be that there is none.
        """
        return self._to_probabilities(self.scores(examples))

    def _to_probabilities(self, scores: Floats) -> Floats:
        if self.calibrator_ is None and self.calibrates == "batch" and self.can_calibrate:
            self.calibrator_ = self.calibrator("batch", (), ())
        calibrated = self.calibrator_(scores) if self.calibrator_ else scores
        probabilities = softmax(calibrated / self.temperature_)
        if self.context_.rules.answer == "labels":
            return relative(probabilities)[:, :-1]
        return self._over_labels(probabilities)

    def _over_labels(self, probabilities: Floats) -> Floats:
        """Widens rows of choices to as many columns as the task has letters."""
        missing = len(self.context_.labels) - probabilities.shape[1]
        return np.pad(probabilities, ((0, 0), (0, missing))) if missing else probabilities

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
            chosen = self.inputs(unlabelled, avoid)
            scores = [self.scores(chosen)] if len(chosen) >= len(CONTENT_FREE) else []
        if not scores:
            queries = [Example(row, {"text": text}) for row, text in enumerate(CONTENT_FREE)]
            built = self.builder_.content_free(CONTENT_FREE, self.demonstrations(queries))
            scores = [self._scores(built)]
        inputs = np.concatenate(scores)
        spread = self.spread if len(inputs) >= MIN_FOR_SPREAD else 0.0
        return Calibrator.learn(inputs, mean=self.mean, spread=spread)

    def inputs(self, examples: Sequence[Example], avoid: Collection[str]) -> list[Example]:
        """Returns at most ``texts`` examples that no prompt shows, without their labels."""
        return calibrating.choose_inputs(
            examples,
            count=self.texts,
            seed=CALIBRATION_SEED,
            text=self.context_.text,
            avoid=avoid,
        )

    def scores(self, examples: Sequence[Example]) -> Floats:
        """Returns the labels' scores before calibration, shape (examples, labels)."""
        return self._scores(self.builder_.build(examples, self.demonstrations(examples)))

    def _scores(self, built: Built) -> Floats:
        model = self.builder_.model
        continuations = built.continuations
        in_words = self.builder_.template.style == "words"
        by_choice = self.context_.rules.answer == "choice" and in_words
        score = self.score or ("pmi" if by_choice else "sum")
        tokens = unconditional = None
        if score == "token":
            tokens = model.continuation_lengths(built.prompts, continuations)
        if score == "pmi":
            unconditional = self._after_the_cue_alone(continuations)
        return label_scores(
            model.label_loglikelihoods(built.prompts, continuations).values,
            score=score,
            continuations=continuations,
            tokens=tokens,
            unconditional=unconditional,
        )

    def _after_the_cue_alone(self, continuations: Sequence[tuple[str, ...]]) -> Floats:
        """Returns log-likelihoods after nothing but the cue, shape (rows, labels).

        Mostly all rows have the same continuations, which are scored once.
        """
        places = {one: place for place, one in enumerate(dict.fromkeys(continuations))}
        cues = [self.builder_.cue()] * len(places)
        alone = self.builder_.model.label_loglikelihoods(cues, list(places)).values
        return np.asarray(alone[[places[one] for one in continuations]], dtype=np.float64)

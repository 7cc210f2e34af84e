"""Few-shot: the same prompt with demonstrations from the budget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, cast

from pydantic import Field

from harness.core.settings import settings
from harness.core.types import Example
from harness.methods.prompted import CALIBRATION, Prompted
from harness.prompting.calibration import (
    Calibration,
    Calibrator,
    choose_by_labels,
    fit_temperature,
)
from harness.prompting.demonstrations import (
    DemonstrationPicker,
    Order,
    Scope,
    Selection,
    check_settings,
    needs_encoder,
)
from harness.tasks.splits import normalised

MIN_FOR_TEMPERATURE = 20
TEMPERATURES = (0.25, 4.0)
"""Few labels may all be answered right, and would make the probabilities too sure."""


@settings
class FewShot(Prompted):
    """In-context learning (Brown et al. 2020, "Language Models are Few-Shot Learners").

    Demonstrations are fixed for a draw, so that their keys and values are computed once, or
    chosen for every query. Calibrated as zero_shot is, unless they are near to the query; with
    ``calibration=chosen`` the labelled examples that no prompt shows decide whether to.
    """

    k: Annotated[int, Field(ge=0, description="demonstrations, at most the label budget")] = 8
    select: Annotated[
        Selection,
        Field(description="any examples, classes in turn, nearest to the query, or near and unlike "
              "each other"),
    ] = "balanced"  # fmt: skip
    order: Annotated[
        Order | None,
        Field(description="random, nearest_last or label_grouped; absent: what fits `select`"),
    ] = None
    per: Annotated[
        Scope | None,
        Field(description="one choice for a draw, or one for each query; absent: what fits "
              "`select`"),
    ] = None  # fmt: skip
    calibration: Annotated[
        Literal[Calibration, "chosen"] | None,
        Field(description=f"{CALIBRATION}; chosen: domain or none, and a temperature, by labels; "
              "absent: none where `select` is nearest or diverse for every query and for "
              "choices, else domain"),
    ] = None  # fmt: skip

    def __post_init__(self) -> None:
        check_settings(self.select, self.order, self.per)

    @property
    def calibrates(self) -> str:
        """The calibration, where it is absent the one that fits the demonstrations.

        Those that are near to a query say which labels it is likely to have, and a label that
        none of them has would be raised by as much as they lower it.
        """
        scope = check_settings(self.select, self.order, self.per)[1]
        near = self.k > 0 and scope == "query" and self.select in ("nearest", "diverse")
        return self.calibration or ("none" if near else "domain")

    @property
    def unused(self) -> frozenset[str]:
        """What calibration and the choice of demonstrations do without."""
        without = super().unused - ({"unlabelled"} if self._asks_labels else set())
        encodes = self.k and needs_encoder(self.select, self.order)
        without |= set() if encodes else {"encoder"}
        return without | ({"labels", "seed"} if self.k == 0 and not self._asks_labels else set())

    def learn(self, train: Sequence[Example], unlabelled: Sequence[Example]) -> None:
        """Makes ready to choose demonstrations, and calibrates with them."""
        self.picker_ = DemonstrationPicker(
            train,
            k=self.k,
            select=self.select,
            order=self.order,
            per=self.per,
            seed=self.context_.seed,
            text=self.context_.text,
            embed=self.embed,
        )
        shown = self._shown_to_all()
        texts = unlabelled
        if self._asks_labels and self.context_.rules.answer == "label":
            self.prepare("none", ())
            self.calibrator_ = self._choose(train, unlabelled, shown)
            texts = ()
        else:
            calibration = "domain" if self._asks_labels else self.calibrates
            self.prepare(cast("Calibration", calibration), unlabelled, shown)
        if self.context_.rules.needs_threshold and self.threshold is None:
            labelled = self._not_shown(train, shown)
            if labelled:
                self.threshold_ = self.choose_threshold(self.probabilities(labelled), labelled)
            else:
                self.take_scope_threshold(texts, shown)

    def demonstrations(self, examples: Sequence[Example]) -> Sequence[Sequence[Example]]:
        """Returns what the prompt of each example shows before it."""
        return self.picker_.pick(examples)

    @property
    def _asks_labels(self) -> bool:
        return self.calibrates == "chosen"

    def _shown_to_all(self) -> set[str]:
        """Returns the normalised texts of demonstrations that are fixed for the draw."""
        if check_settings(self.select, self.order, self.per)[1] == "query":
            return set()
        [shown] = self.picker_.pick([Example(-1, {})])
        return {normalised(self.context_.text(example)) for example in shown}

    def _choose(
        self, train: Sequence[Example], unlabelled: Sequence[Example], shown: set[str]
    ) -> Calibrator | None:
        """Returns the calibrator, or none, with which the labelled examples not shown fare best.

        Where there are enough of them they choose the temperature too.
        """
        domain = self.calibrator("domain", unlabelled, shown)
        labelled = self._not_shown(train, shown)
        if not labelled:
            return domain
        targets = self.context_.targets(labelled)
        scores = self.scores(labelled)
        candidates = {"domain": domain(scores), "none": scores}
        chosen = choose_by_labels(candidates, targets)
        if len(labelled) >= MIN_FOR_TEMPERATURE:
            fitted = fit_temperature(candidates[chosen], targets)
            self.temperature_ = min(max(fitted, TEMPERATURES[0]), TEMPERATURES[1])
        return domain if chosen == "domain" else None

    def _not_shown(self, train: Sequence[Example], shown: set[str]) -> list[Example]:
        """Returns labelled examples that no prompt shows, at most ``texts`` of them."""
        # Rows of a source domain may be numbered as those of the target are.
        known = {(example.row, self.context_.text(example)): example for example in train}
        return [
            known[example.row, self.context_.text(example)] for example in self.inputs(train, shown)
        ]

"""Few-shot: the same prompt with demonstrations from the budget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from harness.core.types import Example
from harness.methods.base import settings
from harness.methods.prompted import Prompted
from harness.prompting.demonstrations import select_demonstrations


@settings
class FewShot(Prompted):
    """In-context learning (Brown et al. 2020, "Language Models are Few-Shot Learners").

    The demonstrations are the same for every test row of a draw, so their keys and values are
    computed once.
    """

    k: Annotated[int, Field(ge=0, description="demonstrations, at most the label budget")] = 8
    select: Annotated[
        Literal["random", "balanced"],
        Field(description="any examples, or classes in turn"),
    ] = "balanced"

    def learn(self, train: Sequence[Example], unlabelled: Sequence[Example]) -> None:
        """Chooses the demonstrations."""
        self.prepare(
            select_demonstrations(train, k=self.k, selection=self.select, seed=self.context_.seed)
        )

"""Label log-likelihoods on their way to and from the cache of outputs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np

from harness.models import pass_cache
from harness.models.base import Floats, Outputs, PromptText
from harness.models.outputs import OutputStore, content_key
from harness.models.pass_cache import PassCache, Request


def plan_requests(
    prompts: Sequence[PromptText], continuations: Sequence[Sequence[str]]
) -> list[Request]:
    """Returns how each prompt is run, with a key for every way that gives other last bits."""

    @functools.cache
    def digest(labels: tuple[str, ...]) -> str:
        return content_key(*labels).hex()

    return pass_cache.plan_requests(prompts, [tuple(labels) for labels in continuations], digest)


class ScoreCache(PassCache[Floats]):
    """The scores of label sets of one size.

    Args:
        store: Gives the store for what it is told.
        width: How many labels a prompt has.
    """

    def __init__(self, store: Callable[..., OutputStore], width: int) -> None:
        super().__init__(
            whole=store("loglikelihoods", width),
            halved=store("loglikelihoods", width, "halved"),
            shared=store("shared"),
        )

    def get(self, requests: Sequence[Request]) -> Outputs:
        """Returns the scores, shape (requests, labels), and what they and what they share cost."""
        values, costs, halved = self.read(requests)
        return Outputs(np.stack(values), costs, halved=halved)

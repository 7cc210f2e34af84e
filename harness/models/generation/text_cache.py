"""Generated texts on their way to and from the cache of outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from harness.models import pass_cache
from harness.models.base import PromptText, Texts
from harness.models.outputs import OutputStore, Store, TextStore, content_key
from harness.models.pass_cache import PassCache, Request


def plan_requests(
    prompts: Sequence[PromptText], *, stop: Sequence[str], max_tokens: int
) -> list[Request]:
    """Returns how each prompt is run, with a key for all that decides its text.

    The order of stop strings does not.
    """
    asked = content_key(str(max_tokens), *sorted(set(stop))).hex()
    return pass_cache.plan_requests(prompts, [()] * len(prompts), lambda _: asked)


class TextCache(PassCache[str]):
    """Texts.

    Args:
        store: Gives the store of a kind for what it is told.
    """

    def __init__(self, store: Callable[[type[Store[Any]], str], Any]) -> None:
        super().__init__(
            whole=store(TextStore, "texts"),
            halved=store(TextStore, "texts halved"),
            shared=store(OutputStore, "texts shared"),
        )

    def get(self, requests: Sequence[Request]) -> Texts:
        """Returns the texts, and what they and what they share cost."""
        values, costs, halved = self.read(requests)
        return Texts(tuple(values), costs, halved=halved)

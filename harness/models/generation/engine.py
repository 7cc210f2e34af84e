"""Has a model write after any number of prompts, batch by batch, and says what each cost."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

from harness.models.generation.batched import BatchWriter
from harness.models.generation.plan import TextBudget, own_width, plan_texts
from harness.models.generation.probe import takes_steps
from harness.models.generation.reading import Reader, end_tokens
from harness.models.generation.single import SingleWriter
from harness.models.likelihood.engine import Engine
from harness.models.likelihood.passes import Passed, Passes
from harness.models.likelihood.plan import by_way, rounded
from harness.models.likelihood.tokens import TokenisedPrompt
from harness.models.likelihood.tree import TreeScorer

BUDGETS = {"cpu": TextBudget(rows=64, slots=16384)}
ACCELERATOR = TextBudget(rows=1024, slots=65536)


class TextEngine:
    """Generates texts greedily.

    Args:
        engine: The model, and how it can be asked.
        tokenizer: Its tokenizer.
    """

    def __init__(self, engine: Engine, tokenizer: Any) -> None:
        model = engine.model
        self.tokenizer = tokenizer
        self.budget = BUDGETS.get(model.device.type, ACCELERATOR)
        self.ends = end_tokens(model, tokenizer)
        self.batched = BatchWriter(model, engine.budget)
        self.single = SingleWriter(model)
        self._scorers = engine.scorers
        self._together = isinstance(engine.scorers.short, TreeScorer) and takes_steps(self.batched)
        self._passes = Passes()

    def choose(self, prompt: TokenisedPrompt, max_tokens: int) -> BatchWriter | SingleWriter:
        """Returns the way for a prompt: batched where its labels could be scored in one pass."""
        if not self._together:
            return self.single
        own = len(prompt.own)
        width = own_width(prompt) if self._scorers.in_slots else rounded(own)
        scorer = self._scorers.of_length(len(prompt.context) - own + width + max_tokens)
        return self.batched if isinstance(scorer, TreeScorer) else self.single

    def run(
        self, prompts: Sequence[TokenisedPrompt], *, stop: Sequence[str], max_tokens: int
    ) -> Iterator[Passed[str]]:
        """Yields texts as they end.

        Raises:
            UserError: There is not even memory for one prompt.
        """
        reader = Reader(self.tokenizer, ends=self.ends, stop=stop, max_tokens=max_tokens)
        choose = functools.partial(self.choose, max_tokens=max_tokens)
        for writer, places in by_way(prompts, choose):
            write = functools.partial(writer.write, reader=reader)
            for batch in plan_texts(prompts, places, self.budget, max_tokens=max_tokens):
                yield from self._passes.run(batch, writer.keep, write)

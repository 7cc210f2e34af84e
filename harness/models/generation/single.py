"""One prompt after the other, by transformers' own generation: right for every causal LM."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from harness.core.types import Cost
from harness.models.generation.plan import TextBatch
from harness.models.generation.reading import Reader, Text
from harness.models.likelihood.passes import Done
from harness.models.likelihood.probe import rope_limit
from harness.models.likelihood.tokens import Tokens


class SingleWriter:
    """Writes after one prompt at a time, the whole of it run for each.

    The model's own settings for generation, such as a penalty of repetitions, are put aside: the
    likeliest token is taken, whatever it is.

    Args:
        model: A transformers causal LM.
    """

    def __init__(self, model: Any) -> None:
        from transformers import GenerationConfig

        self.model = model
        self.model.generation_config = GenerationConfig()
        # Rotary frequencies that grow with a text stay so until a short one is read.
        self._remembers = rope_limit(model.config) is not None

    def keep(self, shared: tuple[Tokens, ...]) -> list[int]:
        """Keeps nothing."""
        return [0] * len(shared)

    def write(self, batch: TextBatch, reader: Reader) -> Iterator[Done[str]]:
        """Yields row after row."""
        for row, prompt in enumerate(batch.prompts):
            started = time.perf_counter()
            text = reader.begin(prompt.context)
            self._run(prompt.context, text, reader.max_tokens)
            seconds = time.perf_counter() - started
            yield [row], [text.value], [Cost(seconds, len(prompt.context) + len(text.tokens))]

    def _run(self, context: Tokens, text: Text, max_tokens: int) -> None:
        import torch
        from transformers import GenerationConfig, StoppingCriteriaList

        def has_ended(ids: Any, _: Any, **__: Any) -> Any:
            ended = text.add(int(ids[0, -1]))
            return torch.full((1,), ended, dtype=torch.bool, device=ids.device)

        ids: Any = torch.tensor([context], device=self.model.device)
        with torch.inference_mode():
            if self._remembers:
                self.model(input_ids=ids[:, :1], use_cache=False)
            self.model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                generation_config=GenerationConfig(
                    do_sample=False,
                    num_beams=1,
                    max_new_tokens=max_tokens,
                    # RecurrentGemma takes a single token for the next one of the text before.
                    use_cache=len(context) > 1,
                ),
                stopping_criteria=StoppingCriteriaList([has_ended]),
            )

"""Whether a model can go on with many rows at once, found out by asking the model itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.models.base import Floats
from harness.models.generation.batched import BatchWriter
from harness.models.generation.plan import TextBudget, plan_texts
from harness.models.likelihood.probe import PROBE_TOKENS, REFUSALS, tolerance
from harness.models.likelihood.tokens import TokenisedPrompt, Tokens

STEPS = 3


def takes_steps(writer: BatchWriter) -> bool:
    """Returns whether texts generated together are likely to be those generated one by one.

    Two made-up prompts of unequal length are gone on with, for some made-up tokens; what the
    model says then must agree with what it says of each whole text.
    """
    model = writer.model
    prompts, texts = _probes(model)
    try:
        got = _together(writer, prompts, texts)
    except REFUSALS:
        return False
    wanted = [
        _plain(model, (*prompt.context, *text)) for prompt, text in zip(prompts, texts, strict=True)
    ]
    return bool(np.allclose(got, np.stack(wanted), rtol=0, atol=tolerance(model)))


def _probes(model: Any) -> tuple[list[TokenisedPrompt], list[Tokens]]:
    vocabulary = model.config.get_text_config().vocab_size
    ids = [1 + (7 * place) % (vocabulary - 1) for place in range(PROBE_TOKENS + 2 * STEPS)]
    context = tuple(ids[:PROBE_TOKENS])
    cuts = (PROBE_TOKENS // 3, PROBE_TOKENS // 2)
    prompts = [TokenisedPrompt(context[:length], (), cuts) for length in (PROBE_TOKENS, -2)]
    return prompts, [tuple(ids[-STEPS:]), tuple(ids[-2 * STEPS : -STEPS])]


def _together(writer: BatchWriter, prompts: list[TokenisedPrompt], texts: list[Tokens]) -> Floats:
    budget = TextBudget(rows=len(prompts), slots=2**20)
    [batch] = plan_texts(prompts, range(len(prompts)), budget, max_tokens=STEPS)
    writer.keep(batch.shared)
    rows, logits = writer.begin(batch)
    for tokens in zip(*texts, strict=True):
        logits = rows.forward(tokens)
    return _logprobs(logits)


def _plain(model: Any, ids: Tokens) -> Floats:
    import torch

    with torch.inference_mode():
        tokens: Any = torch.tensor([ids], device=model.device)
        return _logprobs(model(input_ids=tokens, use_cache=False).logits[0, -1])


def _logprobs(logits: Any) -> Floats:
    values: Floats = logits.float().log_softmax(-1).cpu().numpy()
    return values

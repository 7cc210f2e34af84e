"""Which way of scoring a model can take, found out by asking the model itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.models.likelihood.plain import PlainScorer
from harness.models.likelihood.tokens import TokenisedPrompt
from harness.models.likelihood.tree import TreeScorer

TOLERANCE = 1e-3
PROBE_TOKENS = 12
PARTIAL_ATTENTION = (
    "sliding_window",
    "window_size",
    "attention_window_size",
    "attention_chunk_size",
    "keep_window_size",
    "index_topk",
)
CHANGING_ROPE = {"dynamic", "longrope"}


def choose_scorer(model: Any) -> TreeScorer | PlainScorer:
    """Returns the tree scorer where it agrees with plain scoring on this model, else the plain.

    Some architectures cannot take a tree mask (recurrent state, ALiBi), and say nothing when
    they are given one. So a short prompt with branching labels is scored both ways. What would
    show only on long prompts is read from the configuration.
    """
    if not is_same_at_any_length(model.config):
        return PlainScorer(model)
    vocabulary = model.config.get_text_config().vocab_size
    context = tuple(1 + (7 * place) % (vocabulary - 1) for place in range(PROBE_TOKENS))
    a, b, c, d = (1 + (11 * place + 3) % (vocabulary - 1) for place in range(4))
    prompt = TokenisedPrompt(context, ((a, b, c), (a, b, d), (a, d), (b, b, a), (c,)))
    tree, plain = TreeScorer(model), PlainScorer(model)
    try:
        tree.keep_prefix(context[: PROBE_TOKENS // 2])
        by_tree, _ = tree.score(prompt)
    except (TypeError, ValueError, RuntimeError, AttributeError, LookupError, AssertionError):
        return plain
    by_plain, _ = plain.score(prompt)
    agree = np.allclose(by_tree, by_plain, rtol=0, atol=tolerance(model))
    return tree if agree else plain


def tolerance(model: Any) -> float:
    """Returns how far the two ways may differ, in nats: rounding grows with coarser numbers."""
    import torch

    coarser = torch.finfo(model.dtype).eps / torch.finfo(torch.float32).eps
    return float(TOLERANCE * max(1.0, coarser) ** 0.5)


def is_same_at_any_length(config: Any) -> bool:
    """Returns whether long prompts are treated as short ones, as far as the configuration says.

    They are not where a layer attends to a part of the prompt only, or where the rotary
    frequencies change with the length, so that keys kept from a shorter text would be wrong.
    """
    text = config.get_text_config()
    layers = getattr(text, "layer_types", None) or ()
    rope = getattr(text, "rope_parameters", None) or {}
    kinds = {part.get("rope_type") for part in (rope, *rope.values()) if isinstance(part, dict)}
    return (
        all(layer == "full_attention" for layer in layers)
        and not any(getattr(text, name, None) for name in PARTIAL_ATTENTION)
        and not kinds & CHANGING_ROPE
    )

"""Which way of scoring a model can take, found out by asking the model itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.models.likelihood.plain import PlainScorer
from harness.models.likelihood.tokens import TokenisedPrompt
from harness.models.likelihood.tree import TreeScorer

TOLERANCE = 1e-3
PROBE_TOKENS = 12


def choose_scorer(model: Any) -> TreeScorer | PlainScorer:
    """Returns the tree scorer where it agrees with plain scoring on this model, else the plain.

    Some architectures cannot take a tree mask (recurrent state, ALiBi), and say nothing when
    they are given one. So a short prompt with branching labels is scored both ways. A sliding
    window would show only on prompts longer than it, so its presence in the configuration is
    enough.
    """
    if not has_full_attention(model.config):
        return PlainScorer(model)
    vocabulary = model.config.get_text_config().vocab_size
    context = tuple(1 + (7 * place) % (vocabulary - 1) for place in range(PROBE_TOKENS))
    a, b, c, d = (1 + (11 * place + 3) % (vocabulary - 1) for place in range(4))
    prompt = TokenisedPrompt(context, ((a, b, c), (a, b, d), (a, d), (b, b, a), (c,)))
    tree, plain = TreeScorer(model), PlainScorer(model)
    try:
        tree.keep_prefix(context[: PROBE_TOKENS // 2])
        by_tree, _ = tree.score(prompt)
    except (TypeError, ValueError, RuntimeError, AttributeError, IndexError):
        return plain
    by_plain, _ = plain.score(prompt)
    agree = np.allclose(by_tree, by_plain, rtol=0, atol=tolerance(model))
    return tree if agree else plain


def tolerance(model: Any) -> float:
    """Returns how far the two ways may differ, in nats: rounding grows with coarser numbers."""
    import torch

    return (
        TOLERANCE * max(1.0, torch.finfo(model.dtype).eps / torch.finfo(torch.float32).eps) ** 0.5
    )


def has_full_attention(config: Any) -> bool:
    """Returns whether every layer attends to the whole prompt, as far as the configuration says."""
    text = config.get_text_config()
    layers = getattr(text, "layer_types", None)
    if layers is not None:
        return all(layer == "full_attention" for layer in layers)
    return getattr(text, "sliding_window", None) is None

"""Which way of scoring a model can take, found out by asking the model itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from harness.models.base import Floats
from harness.models.likelihood.plan import Batch, Budget, plan_batches
from harness.models.likelihood.stepwise import CachedScorer, PlainScorer
from harness.models.likelihood.tokens import TokenisedPrompt, Tokens
from harness.models.likelihood.tree import TreeScorer

TOLERANCE = 1e-3
PROBE_TOKENS = 12
WINDOWS = (
    "sliding_window",
    "window_size",
    "attention_window_size",
)
OTHER_LIMITS = ("attention_chunk_size", "keep_window_size", "index_topk")
WINDOWED_LAYERS = {"full_attention", "sliding_attention", "chunked_attention"}
CHANGING_ROPE = {"dynamic", "longrope"}
REFUSALS = (
    TypeError,
    ValueError,
    RuntimeError,
    AttributeError,
    LookupError,
    AssertionError,
    NotImplementedError,
)


class Scorer(Protocol):
    """A way of scoring labels."""

    def keep(self, shared: tuple[Tokens, ...]) -> list[int]:
        """Runs what is shared and not kept yet; returns the tokens run for each part."""
        ...

    def score(self, batch: Batch) -> list[Floats]:
        """Returns the log-likelihoods of every prompt's labels, in nats."""
        ...

    def tokens_of(self, batch: Batch) -> list[int]:
        """Returns how many tokens each prompt of the batch adds."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class Scorers:
    """The ways in which a model is asked.

    Attributes:
        short: The way for texts of at most ``limit`` tokens.
        long: The way for longer ones.
        limit: How long, in tokens; None where every length is treated alike.
        in_slots: Whether all labels count, not only the longest: some layers look at the slot a
            token has in the cache instead of its position, and a tree takes more of them.
    """

    short: Scorer
    long: Scorer
    limit: int | None = None
    in_slots: bool = False

    def choose(self, prompt: TokenisedPrompt) -> Scorer:
        """Returns the way for a prompt with its labels."""
        labels = map(len, prompt.continuations)
        return self.of_length(len(prompt.context) + (sum(labels) if self.in_slots else max(labels)))

    def of_length(self, length: int) -> Scorer:
        """Returns the way for a text of so many tokens, slots left empty among them included."""
        return self.short if self.limit is None or length <= self.limit else self.long


def choose_scorers(model: Any) -> Scorers:
    """Returns the fastest way of scoring that agrees with plain scoring on this model.

    Some architectures cannot take a tree mask (recurrent state, ALiBi), and say nothing when
    they are given one. So short prompts with branching labels are scored both ways. What would
    show only on long prompts is read from the configuration.
    """
    window, rope = window_limit(model.config), rope_limit(model.config)
    plain = PlainScorer(model, remembers=rope is not None)
    batches = list(_probes(model))
    wanted = _scores(plain, batches)
    close = tolerance(model)

    def agrees(scorer: Scorer) -> bool:
        try:
            got = _scores(scorer, batches)
        except REFUSALS:
            return False
        return bool(np.allclose(got, wanted, rtol=0, atol=close))

    tree = TreeScorer(model)
    takes_tree = window != 0 and agrees(tree)
    limits = [limit for limit in (window, rope) if limit is not None]
    if takes_tree and not limits:
        return Scorers(tree, tree)
    stepwise = (CachedScorer(model), CachedScorer(model, one_by_one=True))
    slower: Scorer = next(filter(agrees, stepwise), plain)
    beyond = slower if rope is None else plain
    if not takes_tree:
        return Scorers(slower, beyond, rope)
    in_slots = bool(getattr(model.config.get_text_config(), "attn_temperature_tuning", False))
    return Scorers(tree, beyond, min(limits), in_slots)  # Llama 4 tunes by slot


def tolerance(model: Any) -> float:
    """Returns how far the ways may differ, in nats: rounding grows with coarser numbers."""
    import torch

    coarser = torch.finfo(model.dtype).eps / torch.finfo(torch.float32).eps
    return float(TOLERANCE * max(1.0, coarser) ** 0.5)


def window_limit(config: Any) -> int | None:
    """Returns up to how many tokens every layer attends to the whole text; None: any number.

    It is 0 where a layer does something else than attend to tokens.
    """
    text = config.get_text_config()
    # GPT-Neo's name for them; its windows count slots, which a tree has more of than positions.
    layers = set(
        getattr(text, "layer_types", None) or getattr(text, "attention_layers", None) or ()
    )
    if not layers <= WINDOWED_LAYERS:
        return 0
    names = OTHER_LIMITS if layers == {"full_attention"} else (*WINDOWS, *OTHER_LIMITS)
    found = [getattr(text, name, None) for name in names]
    return min((int(window) for window in found if window), default=None)


def rope_limit(config: Any) -> int | None:
    """Returns up to how many tokens the rotary frequencies stay the same; None: any number.

    Beyond it they change with the length of the text, so keys kept from a shorter one are wrong.
    """
    text = config.get_text_config()
    rope = getattr(text, "rope_parameters", None) or {}
    parts = [part for part in (rope, *rope.values()) if isinstance(part, dict)]
    if not any(part.get("rope_type") in CHANGING_ROPE for part in parts):
        return None
    original = [part.get("original_max_position_embeddings") for part in parts]
    limits = [limit for limit in original if limit]
    limits.append(getattr(text, "original_max_position_embeddings", None))
    limits.append(getattr(text, "max_position_embeddings", None))
    return int(min(limit for limit in limits if limit))


def _probes(model: Any) -> Iterator[Batch]:
    """Yields batches of made-up prompts: two of unequal length in one pass, and one alone."""
    vocabulary = model.config.get_text_config().vocab_size
    context = tuple(1 + (7 * place) % (vocabulary - 1) for place in range(PROBE_TOKENS))
    a, b, c, d = (1 + (11 * place + 3) % (vocabulary - 1) for place in range(4))
    labels = ((a, b, c), (a, b, d), (a, d), (b, b, a), (c,))
    cuts = (PROBE_TOKENS // 3, PROBE_TOKENS // 2)
    long = TokenisedPrompt(context, labels, cuts)
    short = TokenisedPrompt(context[:-2], labels[:2], cuts)
    yield from plan_batches([long, short], Budget(tokens=2 * PROBE_TOKENS * 2, predictions=64))
    yield from plan_batches([TokenisedPrompt(context, labels)], Budget(tokens=0, predictions=0))


def _scores(scorer: Scorer, batches: list[Batch]) -> Floats:
    scores = []
    for batch in batches:
        scorer.keep(batch.shared)
        scores += scorer.score(batch)
    return np.concatenate(scores)

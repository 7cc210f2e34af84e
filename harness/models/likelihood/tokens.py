"""Where a prompt ends and a label begins, in tokens."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True)
class TokenisedPrompt:
    """A prompt and what may follow it.

    Attributes:
        context: Token ids that every continuation follows; at least one.
        continuations: For every label the ids that come after ``context``.
    """

    context: tuple[int, ...]
    continuations: tuple[tuple[int, ...], ...]


def tokenise_prompt(tokenizer: Any, prompt: str, continuations: Sequence[str]) -> TokenisedPrompt:
    """Tokenises ``prompt + continuation`` whole and cuts all of them at one place.

    The place is where the prompt's own tokens end, which is the rule of lm-evaluation-harness.
    Where a label merges with the end of the prompt, so that the prompt's last tokens change, the
    cut moves back to what all labels still share: every label is then scored from the same
    tokens on, and none is scored over nothing.

    An empty prompt is preceded by the tokenizer's beginning-of-sequence token, or its
    end-of-sequence token where it has no other.
    """
    texts = [prompt + continuation for continuation in continuations]
    encoded = tokenizer([prompt, *texts], add_special_tokens=True)["input_ids"]
    ending = _ending(tokenizer)
    if ending:
        encoded = [ids[: -len(ending)] if ids[-len(ending) :] == ending else ids for ids in encoded]
    shared = len(os.path.commonprefix(encoded))
    context = tuple(encoded[0][:shared])
    if not context:
        first = tokenizer.bos_token_id
        context = (tokenizer.eos_token_id if first is None else first,)
    return TokenisedPrompt(context, tuple(tuple(ids[shared:]) for ids in encoded[1:]))


def _ending(tokenizer: Any) -> list[int]:
    """Returns the special tokens that the tokenizer puts after every text; mostly none."""
    with_special = tokenizer("a", add_special_tokens=True)["input_ids"]
    plain = tokenizer("a", add_special_tokens=False)["input_ids"]
    for start in range(len(with_special) - len(plain) + 1):
        if with_special[start : start + len(plain)] == plain:
            return list(with_special[start + len(plain) :])
    return []

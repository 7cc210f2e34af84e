"""Where a prompt ends and a label begins, in tokens."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

from harness.core.errors import UserError


@dataclasses.dataclass(frozen=True, slots=True)
class TokenisedPrompt:
    """A prompt and what may follow it.

    Attributes:
        context: Token ids that every continuation follows; at least one.
        continuations: For every label the ids that come after ``context``; at least one each.
    """

    context: tuple[int, ...]
    continuations: tuple[tuple[int, ...], ...]


def tokenise(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """Returns the ids of each text, special tokens before it included, those after it left out."""
    encoded: list[list[int]] = tokenizer(list(texts), add_special_tokens=True)["input_ids"]
    ending = _ending(tokenizer)
    if not ending:
        return encoded
    return [ids[: -len(ending)] if ids[-len(ending) :] == ending else ids for ids in encoded]


def tokenise_prompt(tokenizer: Any, prompt: str, continuations: Sequence[str]) -> TokenisedPrompt:
    """Tokenises ``prompt + continuation`` whole and cuts all of them at one place.

    The place is where the prompt's own tokens end, which is the rule of lm-evaluation-harness.
    Where a label merges with the end of the prompt, so that the prompt's last tokens change, the
    cut moves back to what all labels still share: every label is then scored from the same
    tokens on, and none is scored over nothing.

    An empty prompt is preceded by the tokenizer's beginning-of-sequence token, or its
    end-of-sequence token where it has no other.

    Raises:
        UserError: The tokenizer drops all of a continuation, or has no token for the beginning
            where one is needed.
    """
    encoded = tokenise(tokenizer, [prompt, *(prompt + text for text in continuations)])
    shared = _shared_length(encoded)
    context = tuple(encoded[0][:shared]) or _beginning(tokenizer)
    after = tuple(tuple(ids[shared:]) for ids in encoded[1:])
    for text, ids in zip(continuations, after, strict=True):
        if not ids:
            raise UserError(
                "the model's tokenizer leaves nothing of a label's words to score",
                found=text,
                expected="words that are in the tokenizer's vocabulary",
                hint="give the label another verbalizer",
            )
    return TokenisedPrompt(context, after)


def _shared_length(sequences: Sequence[list[int]]) -> int:
    """Returns how many tokens all sequences begin with."""
    first, last = min(sequences), max(sequences)  # all others lie between them, and share as much
    alike = (one == other for one, other in zip(first, last, strict=False))
    return sum(1 for _ in itertools.takewhile(bool, alike))


def _beginning(tokenizer: Any) -> tuple[int, ...]:
    for token in (tokenizer.bos_token_id, tokenizer.eos_token_id):
        if token is not None:
            return (token,)
    raise UserError(
        "the prompt has no tokens before the label, and the model has none that begins a text",
        expected="a prompt with some text before the label",
    )


def _ending(tokenizer: Any) -> list[int]:
    """Returns the special tokens that the tokenizer puts after every text; mostly none."""
    with_special = tokenizer("a", add_special_tokens=True)["input_ids"]
    plain = tokenizer("a", add_special_tokens=False)["input_ids"]
    for start in range(len(with_special) - len(plain) + 1):
        if with_special[start : start + len(plain)] == plain:
            return list(with_special[start + len(plain) :])
    return []

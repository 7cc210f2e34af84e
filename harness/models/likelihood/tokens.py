"""Where a prompt ends and a label begins, in tokens, and which of its tokens are kept."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Sequence
from typing import Any

from harness.core.errors import UserError

Tokens = tuple[int, ...]
LAST_LINES = 3


@dataclasses.dataclass(frozen=True, slots=True)
class TokenisedPrompt:
    """A prompt and what may follow it.

    Attributes:
        context: Token ids that every continuation follows; at least one.
        continuations: For every label the ids that come after ``context``; at least one each.
            There are no labels where text is to be generated.
        cuts: Rising positions in ``context``, all before its last token: what lies before each
            is shared with other prompts, and run apart from the rest.
    """

    context: Tokens
    continuations: tuple[Tokens, ...]
    cuts: tuple[int, ...] = ()

    @property
    def shared(self) -> tuple[Tokens, ...]:
        """The parts of the context that are run once and kept, in order."""
        return tuple(
            self.context[start:end] for start, end in zip((0, *self.cuts), self.cuts, strict=False)
        )

    @property
    def own(self) -> Tokens:
        """The part of the context that is run for this prompt; at least one token."""
        return self.context[self.cuts[-1] if self.cuts else 0 :]


class PromptTokeniser:
    """Tokenises prompts with all their continuations.

    The place where prompt and continuations are cut is where the prompt's own tokens end, which
    is the rule of lm-evaluation-harness. Where a label merges with the end of the prompt, so that
    the prompt's last tokens change, the cut moves back to what all labels still share: every
    label is then scored from the same tokens on, and none is scored over nothing.

    Args:
        tokenizer: A tokenizer of transformers.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self._of_beginning = functools.lru_cache(maxsize=256)(self._tokenise_whole)
        self._of_ending = functools.lru_cache(maxsize=16)(self._tokenise_ending)
        backend = getattr(tokenizer, "backend_tokenizer", None)
        self._is_bpe = type(getattr(backend, "model", None)).__name__ == "BPE"

    def tokenise(self, segments: Sequence[str], continuations: tuple[str, ...]) -> TokenisedPrompt:
        """Returns the tokens of ``"".join(segments)`` and of every continuation.

        An empty prompt is preceded by the tokenizer's beginning-of-sequence token, or its
        end-of-sequence token where it has no other.

        Args:
            segments: The prompt in parts; all but the last are shared with other prompts.
            continuations: The texts that may follow; none where text is to be generated.

        Raises:
            UserError: The tokenizer drops all of a continuation, or has no token for the
                beginning where one is needed.
        """
        text = "".join(segments)
        prompt = self._by_ending(text, continuations) or self._by_whole(text, continuations)
        for label, ids in zip(continuations, prompt.continuations, strict=True):
            if not ids:
                raise UserError(
                    "the model's tokenizer leaves nothing of a label's words to score",
                    found=label,
                    expected="words that are in the tokenizer's vocabulary",
                    hint="give the label another verbalizer",
                )
        return dataclasses.replace(prompt, cuts=self._cuts(segments, prompt.context))

    def _by_whole(self, text: str, continuations: tuple[str, ...]) -> TokenisedPrompt:
        encoded = [self._tokenise_whole(one) for one in (text, *(text + c for c in continuations))]
        shared = shared_length(encoded)
        context = encoded[0][:shared] or self._beginning()
        return TokenisedPrompt(context, tuple(ids[shared:] for ids in encoded[1:]))

    def _by_ending(self, text: str, continuations: tuple[str, ...]) -> TokenisedPrompt | None:
        """Tokenises the labels after the prompt's last lines alone; None where that is not sure.

        Sure, for byte-pair encoding: tokens are those of the whole text if and only if each
        neighbouring pair of them is. Where the last lines' tokens are the same alone as in the
        prompt, and a label leaves their first one alone, every pair occurs in one of the two.
        """
        if not self._is_bpe:
            return None
        encoded = self.tokenizer(
            text, add_special_tokens=self._wants_special(text), return_offsets_mapping=True
        )
        ids, offsets = tuple(encoded["input_ids"]), encoded["offset_mapping"]
        start = len(text.rstrip())
        for _ in range(LAST_LINES):  # a line's end may be one token with the mark before it
            start = text.rfind("\n", 0, start)
            if start <= 0:
                return None
            ending, with_labels = self._of_ending(text[start:], continuations)
            kept, before = shared_length([ending, *with_labels]), len(ids) - len(ending)
            if kept and before >= 1 and ids[before:] == ending and offsets[before][0] == start:
                after = tuple(label[kept:] for label in with_labels)
                return TokenisedPrompt(ids[: before + kept], after)
        return None

    def _tokenise_ending(
        self, ending: str, continuations: tuple[str, ...]
    ) -> tuple[Tokens, tuple[Tokens, ...]]:
        texts = [ending, *(ending + continuation for continuation in continuations)]
        encoded = self.tokenizer(texts, add_special_tokens=False)["input_ids"]
        return tuple(encoded[0]), tuple(tuple(ids) for ids in encoded[1:])

    def _tokenise_whole(self, text: str) -> Tokens:
        """Returns the ids of a text, special tokens before it included, those after it left out."""
        special = self._wants_special(text)
        ids = tuple(self.tokenizer(text, add_special_tokens=special)["input_ids"])
        after = self._after
        return ids[: -len(after)] if special and after and ids[-len(after) :] == after else ids

    def _wants_special(self, text: str) -> bool:
        """Returns whether the tokenizer shall add its special tokens.

        A text that begins with the beginning-of-sequence token, as chat templates write it, is
        not given a second one.
        """
        bos = self.tokenizer.bos_token
        return not (bos and text.startswith(bos))

    @functools.cached_property
    def _after(self) -> Tokens:
        """The special tokens that the tokenizer puts after every text; mostly none."""
        with_special = self.tokenizer("a", add_special_tokens=True)["input_ids"]
        plain = self.tokenizer("a", add_special_tokens=False)["input_ids"]
        for start in range(len(with_special) - len(plain) + 1):
            if with_special[start : start + len(plain)] == plain:
                return tuple(with_special[start + len(plain) :])
        return ()

    def _beginning(self) -> Tokens:
        for token in (self.tokenizer.bos_token_id, self.tokenizer.eos_token_id):
            if token is not None:
                return (token,)
        raise UserError(
            "the prompt has no tokens before the label, and the model has none that begins a text",
            expected="a prompt with some text before the label",
        )

    def _cuts(self, segments: Sequence[str], context: Tokens) -> tuple[int, ...]:
        """Returns where the context is cut: at the end of each segment, less a token.

        The last token of a segment may merge with the text after it, so it is never shared. A
        segment that shares still less with this context is cut where they part.
        """
        cuts: list[int] = []
        for beginning in itertools.accumulate(segments[:-1]):
            ids = self._of_beginning(beginning)[:-1]
            cut = min(shared_length([ids, context]), len(context) - 1)
            if cut > (cuts[-1] if cuts else 0):
                cuts.append(cut)
        return tuple(cuts)


def shared_length(sequences: Sequence[tuple[Any, ...]]) -> int:
    """Returns how many tokens, or parts made of tokens, all sequences begin with."""
    first, last = min(sequences), max(sequences)  # all others lie between them, and share as much
    alike = (one == other for one, other in zip(first, last, strict=False))
    return sum(1 for _ in itertools.takewhile(bool, alike))

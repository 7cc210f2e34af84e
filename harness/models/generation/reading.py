"""Generated tokens as text: where a text ends, and what of it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.models.likelihood.tokens import Tokens

SPARE_TOKENS = 8
"""A text's first characters may read otherwise when what comes before them is not read along."""


class Reader:
    """Knows when a text ends.

    Args:
        tokenizer: A tokenizer of transformers.
        ends: Token ids that end a text, and are no part of it.
        stop: Strings that end a text, and are no part of it. One that is a special token of the
            tokenizer ends a text as a token does: in the text it would not be seen.
        max_tokens: How many tokens a text has at most.
    """

    def __init__(
        self, tokenizer: Any, *, ends: frozenset[int], stop: Sequence[str], max_tokens: int
    ) -> None:
        self.tokenizer = tokenizer
        self.ends = ends | {
            number
            for number, token in tokenizer.added_tokens_decoder.items()
            if token.special and token.content in stop
        }
        self.stop = tuple(stop)
        self.max_tokens = max_tokens
        longest = max((len(text.encode("utf-8", "surrogatepass")) for text in stop), default=0)
        self.reach = longest + SPARE_TOKENS  # a token that shows stands for a byte at least

    def begin(self, context: Tokens) -> Text:
        """Returns the text, still empty, that comes after a prompt's tokens."""
        return Text(self, context[-1])

    def decode(self, ids: Sequence[int]) -> str:
        """Returns tokens as text, special ones left out."""
        text: str = self.tokenizer.decode(
            list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text

    def finds_stop(self, ids: Sequence[int]) -> bool:
        """Returns whether there is a stop string in what tokens say."""
        if not self.stop:
            return False
        text = self.decode(ids)
        return any(stop in text for stop in self.stop)


class Text:
    """A text that is being generated.

    Attributes:
        tokens: Those generated, the one that ended it among them.
        ended: Whether it is complete.
    """

    def __init__(self, reader: Reader, before: int) -> None:
        self.tokens: list[int] = []
        self.ended = False
        self._reader = reader
        self._before = before

    def add(self, token: int) -> bool:
        """Takes the next token; returns whether the text has ended. Later tokens are ignored."""
        if not self.ended:
            self.tokens.append(token)
            self.ended = (
                token in self._reader.ends
                or self._has_stopped()
                or len(self.tokens) == self._reader.max_tokens
            )
        return self.ended

    @property
    def value(self) -> str:
        """The text, up to the first stop string."""
        text = self._whole()
        places = [text.find(stop) for stop in self._reader.stop]
        return text[: min((place for place in places if place >= 0), default=None)]

    def _has_stopped(self) -> bool:
        """Returns whether there is a stop string: looked for in the last tokens first."""
        ending = [self._before, *self.tokens][-self._reader.reach :]
        return self._reader.finds_stop(ending) and self.value != self._whole()

    def _whole(self) -> str:
        """Returns all of the text.

        It is read with the prompt's last token before it: some tokenizers leave out the space
        that a text begins with.
        """
        shown = [token for token in self.tokens if token not in self._reader.ends]
        before = self._reader.decode([self._before])
        text = self._reader.decode([self._before, *shown])
        return text[len(before) :] if text.startswith(before) else self._reader.decode(shown)


def end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """Returns the ids that end a text, by the model's settings or the tokenizer's."""
    settings = (model.generation_config, model.config.get_text_config(), tokenizer)
    found = [getattr(each, "eos_token_id", None) for each in settings]
    several = [each if isinstance(each, list | tuple) else [each] for each in found]
    return frozenset(int(number) for each in several for number in each if number is not None)

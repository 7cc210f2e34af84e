"""A causal LM from transformers, and the same behind the cache of outputs."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.core.errors import UserError
from harness.core.files import hash_json
from harness.core.progress import Progress
from harness.core.types import Cost
from harness.models.base import Floats, Message, Outputs, PromptText, Texts
from harness.models.device import choose_device, default_dtype, numerics, use_threads
from harness.models.embedding_tables import check_tokens
from harness.models.generation import text_cache
from harness.models.generation.batched import BatchWriter
from harness.models.generation.engine import TextEngine
from harness.models.generation.text_cache import TextCache
from harness.models.likelihood.engine import Engine
from harness.models.likelihood.passes import Passed
from harness.models.likelihood.tokens import PromptTokeniser, TokenisedPrompt
from harness.models.likelihood.tree import TreeScorer
from harness.models.outputs import OutputStore, Store
from harness.models.pass_cache import PassCache, Request
from harness.models.quiet import quiet_transformers
from harness.models.resolve import ResolvedModel
from harness.models.score_cache import ScoreCache, plan_requests

SCORING_VERSION = 2
"""Raised whenever the same prompt would get other bits; so do the constants of ``likelihood/``."""
GENERATION_VERSION = 1
"""Raised whenever the same prompt may get another text."""
FIXED_DATE = "{%- macro strftime_now(format) -%}26 Jul 2024{%- endmacro -%}"
"""Some chat templates write today's date, and a prompt must be the same tomorrow."""


V = TypeVar("V")
S = TypeVar("S", bound=Store[Any])


class SlowScoringWarning(UserWarning):
    """A model cannot take the fast way of scoring, or of generating."""


def load_causal_lm(folder: Path) -> Any:
    """Loads a causal LM of transformers in float32 on the device; see :func:`choose_device`."""
    from transformers import AutoModelForCausalLM

    use_threads()
    device = choose_device()
    with quiet_transformers():
        model: Any = AutoModelForCausalLM.from_pretrained(
            folder, dtype=default_dtype(device), use_safetensors=True, trust_remote_code=False
        )
    return model.to(device)


class LocalCausalLM:
    """A causal LM on this machine; its weights load when the first output is missing.

    Attributes:
        prompts_run: How many prompts went through the model since it was made.
        tokens_run: How many tokens did, padding left out.
    """

    def __init__(self, resolved: ResolvedModel, cache: Path) -> None:
        self.name = resolved.name
        self.identity = resolved.identity
        self.folder = resolved.folder
        self.prompts_run = 0
        self.tokens_run = 0
        self._cache = cache
        self._stores: dict[str, Any] = {}
        self._warned: set[str] = set()

    @functools.cached_property
    def tokenizer(self) -> Any:
        """The model's tokenizer."""
        from transformers import AutoTokenizer

        with quiet_transformers():
            return AutoTokenizer.from_pretrained(self.folder, trust_remote_code=False)

    @functools.cached_property
    def engine(self) -> Engine:
        """The model itself, and the way in which it is asked."""
        return Engine(load_causal_lm(self.folder).eval())

    @functools.cached_property
    def text_engine(self) -> TextEngine:
        """The way in which the model is made to write."""
        return TextEngine(self.engine, self.tokenizer)

    @functools.cached_property
    def context_tokens(self) -> int:
        """How many tokens the model can read at once; some architectures set no limit."""
        from transformers import AutoConfig

        config = AutoConfig.from_pretrained(self.folder, trust_remote_code=False)
        limit = getattr(config.get_text_config(), "max_position_embeddings", None)
        return int(limit or self.tokenizer.model_max_length)

    def count_tokens(self, text: str) -> int:
        """Returns how many tokens the model reads for ``text``."""
        return len(self.tokenizer(text)["input_ids"])

    def chat_text(self, messages: Sequence[Message]) -> str:
        """Returns a conversation as text; see :class:`harness.models.base.CausalLM`."""
        from jinja2 import TemplateError

        if not self.tokenizer.chat_template:
            raise UserError(
                f"{self.name} has no chat template",
                hint="run it without --chat, or take a model that was trained to chat",
            )
        try:
            text: str = self.tokenizer.apply_chat_template(
                [dataclasses.asdict(message) for message in messages],
                chat_template=FIXED_DATE + self.tokenizer.get_chat_template(),
                tokenize=False,
                add_generation_prompt=messages[-1].role == "user",
            )
        except (TemplateError, TypeError, ValueError) as error:
            raise UserError(
                f"the chat template of {self.name} refuses this conversation: {error}",
                found=", ".join(message.role for message in messages),
            ) from error
        return text

    def continuation_lengths(
        self, prompts: Sequence[PromptText], continuations: Sequence[Sequence[str]]
    ) -> NDArray[np.int64]:
        """Returns tokens of each continuation; see :class:`harness.models.base.CausalLM`."""
        lengths = np.ones((len(prompts), max(map(len, continuations), default=0)), dtype=np.int64)
        for row, (prompt, labels) in enumerate(zip(prompts, continuations, strict=True)):
            tokenised = self._tokeniser.tokenise([prompt.text], tuple(labels))
            lengths[row, : len(labels)] = [len(label) for label in tokenised.continuations]
        return lengths

    def label_loglikelihoods(
        self, prompts: Sequence[PromptText], continuations: Sequence[Sequence[str]]
    ) -> Outputs:
        """Returns log p(continuation | prompt); see :class:`harness.models.base.CausalLM`.

        What is in the cache is read from it; the rest is computed, and kept every few seconds,
        so that an interruption loses little. How prompts are cut follows from all the prompts of
        the call, those in the cache among them; on the CPU the numbers are then the same, bit for
        bit, whatever is in it, and on other devices to rounding.
        """
        requests = plan_requests(prompts, continuations)
        widest = max((len(request.labels) for request in requests), default=0)
        values = np.full((len(requests), widest), -np.inf, dtype=np.float32)
        costs: dict[bytes, Cost] = {}
        halved = False
        for width in sorted({len(request.labels) for request in requests}):
            places = [at for at, request in enumerate(requests) if len(request.labels) == width]
            scores = ScoreCache(self._store, width)
            wanted = [requests[place] for place in places]
            self._compute(scores, wanted, "scoring labels", self._score)
            found = scores.get(wanted)
            values[places, :width] = found.values
            costs |= found.costs
            halved |= found.halved
        return Outputs(values, costs, halved=halved)

    def generate(
        self, prompts: Sequence[PromptText], *, stop: Sequence[str], max_tokens: int
    ) -> Texts:
        """Returns what the model writes; see :class:`harness.models.base.CausalLM`.

        Texts are kept as scores are: see :meth:`label_loglikelihoods`. On the CPU they do not
        depend on what they are generated with; on other devices they may, where two tokens are
        about equally likely. A prompt costs its own tokens and those generated, the one that
        ended the text among them.
        """
        if not all(stop):
            raise UserError("a stop string is empty", found=list(stop), expected="some text")
        if max_tokens < 1:
            raise UserError("no token is to be generated", found=max_tokens, expected="at least 1")

        requests = text_cache.plan_requests(prompts, stop=stop, max_tokens=max_tokens)
        texts = TextCache(self._text_store)
        write = functools.partial(self._write, stop=stop, max_tokens=max_tokens)
        self._compute(texts, requests, "generating texts", write)
        return texts.get(requests)

    @functools.cached_property
    def _tokeniser(self) -> PromptTokeniser:
        return PromptTokeniser(self.tokenizer)

    def _store(self, *what: str | int) -> OutputStore:
        return self._store_of(OutputStore, *what, SCORING_VERSION)

    def _text_store(self, kind: type[S], what: str) -> S:
        return self._store_of(kind, what, GENERATION_VERSION)

    def _store_of(self, kind: type[S], *what: str | int) -> S:
        folder = hash_json([*what, self.identity, numerics()])[:24]
        if folder not in self._stores:
            self._stores[folder] = kind(self._cache / "outputs" / folder)
        store: S = self._stores[folder]
        return store

    def _score(self, tokenised: list[TokenisedPrompt]) -> Iterator[Passed[Floats]]:
        choose = self.engine.scorers.choose
        self._warn_of_slow(
            [isinstance(choose(one), TreeScorer) for one in tokenised],
            "all labels to be scored in one pass; they are scored one after the other, which",
        )
        return self.engine.run(tokenised)

    def _write(
        self, tokenised: list[TokenisedPrompt], *, stop: Sequence[str], max_tokens: int
    ) -> Iterator[Passed[str]]:
        self._check_room(tokenised, max_tokens)
        engine = self.text_engine
        ways = [engine.choose(one, max_tokens) for one in tokenised]
        self._warn_of_slow(
            [isinstance(way, BatchWriter) for way in ways],
            "texts to be generated together; they are generated one after the other, which",
        )
        return engine.run(tokenised, stop=stop, max_tokens=max_tokens)

    def _compute(
        self,
        cache: PassCache[V],
        requests: Sequence[Request],
        doing: str,
        run: Callable[[list[TokenisedPrompt]], Iterator[Passed[V]]],
    ) -> None:
        """Runs the prompts for which nothing is in the cache, and puts there what comes of them."""
        missing = cache.missing(requests)
        if not missing:
            return
        tokenised = [
            self._tokeniser.tokenise(request.segments, request.labels) for request in missing
        ]
        read = ((*one.context, *itertools.chain(*one.continuations)) for one in tokenised)
        check_tokens(self.engine.model, self.tokenizer, read)
        passes = run(tokenised)
        with Progress(f"{self.name}: {doing}", len(missing), "prompt") as progress, cache:
            for passed in passes:
                cache.add([missing[place] for place in passed.places], passed)
                self.prompts_run += len(passed.places)
                self.tokens_run += sum(cost.tokens for cost in (*passed.costs, *passed.shared))
                progress.update(len(passed.places))

    def _warn_of_slow(self, fast: Sequence[bool], what: str) -> None:
        """Warns, once, where prompts do not go the fast way."""
        if all(fast) or what in self._warned:
            return
        self._warned.add(what)
        why = "some prompts' length" if any(fast) else "this architecture"
        warnings.warn(
            f"{self.name}: {why} does not allow {what} is exact and takes longer",
            SlowScoringWarning,
            stacklevel=2,
        )

    def _check_room(self, prompts: Sequence[TokenisedPrompt], max_tokens: int) -> None:
        """Refuses prompts that leave no room for as many tokens."""
        longest = max(len(prompt.context) for prompt in prompts)
        if longest + max_tokens > self.context_tokens:
            raise UserError(
                f"{self.name} cannot read a prompt and what is to be generated after it",
                found=f"{longest} tokens and {max_tokens} to come",
                expected=f"at most {self.context_tokens} together",
                hint="take shorter prompts or fewer demonstrations, or generate fewer tokens",
            )

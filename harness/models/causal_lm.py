"""A causal LM from transformers, and the same behind the cache of outputs."""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.core.files import hash_json
from harness.core.progress import Progress
from harness.core.types import Cost
from harness.models.base import Outputs, PromptText
from harness.models.device import choose_device, default_dtype, numerics, use_threads
from harness.models.likelihood.probe import choose_scorer
from harness.models.likelihood.tokens import TokenisedPrompt, tokenise, tokenise_prompt
from harness.models.outputs import OutputStore, content_key
from harness.models.quiet import quiet_transformers
from harness.models.resolve import ResolvedModel

FLUSH_SECONDS = 5.0
SCORING_VERSION = 1


class LocalCausalLM:
    """A causal LM on this machine; its weights load when the first output is missing.

    Attributes:
        prompts_run: How many prompts went through the model since it was made.
        tokens_run: How many tokens did.
    """

    def __init__(self, resolved: ResolvedModel, cache: Path) -> None:
        self.name = resolved.name
        self.identity = resolved.identity
        self.folder = resolved.folder
        self.prompts_run = 0
        self.tokens_run = 0
        self._cache = cache
        self._stores: dict[str, OutputStore] = {}

    @functools.cached_property
    def tokenizer(self) -> Any:
        """The model's tokenizer."""
        from transformers import AutoTokenizer

        with quiet_transformers():
            return AutoTokenizer.from_pretrained(self.folder, trust_remote_code=False)

    @functools.cached_property
    def _scorer(self) -> Any:
        from transformers import AutoModelForCausalLM

        use_threads()
        device = choose_device()
        with quiet_transformers():
            model: Any = AutoModelForCausalLM.from_pretrained(
                self.folder,
                dtype=default_dtype(device),
                use_safetensors=True,
                trust_remote_code=False,
            )
        return choose_scorer(model.to(device).eval())

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

    def label_loglikelihoods(
        self, prompts: Sequence[PromptText], continuations: Sequence[str]
    ) -> Outputs:
        """Returns log p(continuation | prompt) in nats, shape (prompts, continuations), float32.

        What is in the cache is read from it; the rest is computed, and kept every few seconds,
        so that an interruption loses little. A prompt's numbers do not depend on which other
        prompts are asked for.
        """
        store = self._store("loglikelihoods", continuations)
        heads = self._store("heads", ())
        keys = [content_key(prompt.head, prompt.tail) for prompt in prompts]
        by_head: dict[str, list[PromptText]] = {prompt.head: [] for prompt in prompts}
        for place in store.missing(keys):
            by_head[prompts[place].head].append(prompts[place])
        head_keys = [content_key(head) for head in by_head]
        if heads.missing(head_keys) or any(by_head.values()):
            self._compute(by_head, continuations, store, heads)
        values, costs = store.get(keys)
        return Outputs(values, costs | heads.get(head_keys)[1])

    def _store(self, what: str, continuations: Sequence[str]) -> OutputStore:
        folder = hash_json([what, SCORING_VERSION, self.identity, numerics(), list(continuations)])[
            :24
        ]
        if folder not in self._stores:
            self._stores[folder] = OutputStore(self._cache / "outputs" / folder)
        return self._stores[folder]

    def _compute(
        self,
        by_head: Mapping[str, Sequence[PromptText]],
        continuations: Sequence[str],
        store: OutputStore,
        heads: OutputStore,
    ) -> None:
        buffer = _Buffer(store)
        scorer = self._scorer
        total = sum(len(group) for group in by_head.values())
        with Progress(f"{self.name}: scoring labels", total, "prompt") as progress, buffer:
            for head, group in by_head.items():
                prefix = self._prefix(head)
                if heads.missing([content_key(head)]):
                    cost = self._keep_prefix(scorer, prefix)
                    heads.put([content_key(head)], np.empty((1, 0), np.float32), [cost])
                for prompt in group:
                    values, cost = self._score(scorer, prefix, prompt, continuations)
                    buffer.add(content_key(prompt.head, prompt.tail), values, cost)
                    progress.update()

    def _prefix(self, head: str) -> tuple[int, ...]:
        """Returns the head's tokens without its last, which the text after it may change."""
        return tuple(tokenise(self.tokenizer, [head])[0][:-1]) if head else ()

    def _keep_prefix(self, scorer: Any, prefix: tuple[int, ...]) -> Cost:
        started = time.perf_counter()
        run = scorer.keep_prefix(prefix)
        self.tokens_run += run
        return Cost(time.perf_counter() - started, run)

    def _score(
        self, scorer: Any, prefix: tuple[int, ...], prompt: PromptText, continuations: Sequence[str]
    ) -> tuple[Any, Cost]:
        started = time.perf_counter()
        tokenised = tokenise_prompt(self.tokenizer, prompt.text, continuations)
        # What a second session runs of a head again is not this prompt's: the head is charged.
        again = self._keep_prefix(scorer, _shared(prefix, tokenised))
        values, own = scorer.score(tokenised)
        self.prompts_run += 1
        self.tokens_run += own
        return values, Cost(time.perf_counter() - started - again.seconds, own)


def _shared(prefix: tuple[int, ...], prompt: TokenisedPrompt) -> tuple[int, ...]:
    """Returns the part of ``prefix`` that the prompt begins with, leaving it a token of its own.

    Mostly that is all of it; a text that merges with the end of its head shares a token less.
    """
    limit = min(len(prefix), len(prompt.context) - 1)
    for place in range(limit):
        if prefix[place] != prompt.context[place]:
            return prefix[:place]
    return prefix[:limit]


class _Buffer:
    """Outputs on their way to the store; written every few seconds, and whatever happens."""

    def __init__(self, store: OutputStore) -> None:
        self.store = store
        self._rows: list[tuple[bytes, Any, Cost]] = []
        self._written = time.monotonic()

    def __enter__(self) -> _Buffer:
        return self

    def __exit__(self, *exception: object) -> None:
        self.flush()

    def add(self, key: bytes, values: Any, cost: Cost) -> None:
        self._rows.append((key, values, cost))
        if time.monotonic() - self._written > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        if self._rows:
            keys, values, costs = zip(*self._rows, strict=True)
            self.store.put(keys, np.stack(values), costs)
        self._rows = []
        self._written = time.monotonic()

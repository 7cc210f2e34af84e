"""Scoring without a tree mask: slower, and right for architectures that cannot take one."""

from __future__ import annotations

import copy
import inspect
from typing import Any

import numpy as np

from harness.models.base import Floats
from harness.models.likelihood.plan import Batch
from harness.models.likelihood.tokens import TokenisedPrompt, Tokens, shared_length

SLOTS = 8192


class CachedScorer:
    """Runs a prompt once, and its labels from a copy of the state that it leaves.

    Right for every model whose own cache goes on exactly where a text was left: recurrent
    states, sliding windows, ALiBi.

    Args:
        model: A transformers causal LM that takes a cache.
        one_by_one: Whether tokens after a state are fed singly: some recurrent layers begin anew
            where they are given more than one.
    """

    def __init__(self, model: Any, *, one_by_one: bool = False) -> None:
        self.model = model
        self.one_by_one = one_by_one
        taken = inspect.signature(model.forward).parameters
        self._cache_name = "cache_params" if "cache_params" in taken else "past_key_values"
        self._takes_positions = "position_ids" in taken
        self._kept: list[tuple[Tokens, Any]] = []

    def keep(self, shared: tuple[Tokens, ...]) -> list[int]:
        """Runs the shared parts that are not kept yet; see :class:`.tree.TreeScorer`."""
        common = shared_length([shared, tuple(part for part, _ in self._kept)])
        del self._kept[common:]
        for part in shared[common:]:
            cache = self._state()
            self._run([part], cache, before=sum(len(part) for part, _ in self._kept))
            self._kept.append((part, cache))
        return [0] * common + [len(part) for part in shared[common:]]

    def score(self, batch: Batch) -> list[Floats]:
        """Returns the log-likelihoods of every prompt's labels, shape (labels,) each, in nats."""
        return [self._score(prompt) for prompt in batch.prompts]

    def tokens_of(self, batch: Batch) -> list[int]:
        """Returns how many tokens each prompt of the batch adds, padding left out."""
        return [
            len(prompt.own) + sum(len(label) - 1 for label in prompt.continuations)
            for prompt in batch.prompts
        ]

    def _score(self, prompt: TokenisedPrompt) -> Floats:
        cache = self._state()
        before = len(prompt.context) - len(prompt.own)
        first = self._run([prompt.own], cache, before=before)[0, -1]
        labels = prompt.continuations
        values = np.array([first[label[0]].item() for label in labels], dtype=np.float64)
        rows = max(1, SLOTS // (len(prompt.context) + max(map(len, labels))))
        longer = [place for place, label in enumerate(labels) if len(label) > 1]
        for start in range(0, len(longer), rows):
            places = longer[start : start + rows]
            values[places] += self._rest(
                [labels[place] for place in places], cache, before=len(prompt.context)
            )
        return values.astype(np.float32)

    def _rest(self, labels: list[Tokens], cache: Any, *, before: int) -> Any:
        """Returns what the tokens after the first add, shape (labels,); padding comes last."""
        import torch

        width = max(map(len, labels)) - 1
        inputs = [tuple(label[:-1]) + (0,) * (width + 1 - len(label)) for label in labels]
        rows = copy.deepcopy(cache)
        rows.reorder_cache(torch.zeros(len(labels), dtype=torch.long, device=self.model.device))
        logprobs = self._run(inputs, rows, before=before, wanted=width)
        return [
            sum(logprobs[row, step, token].item() for step, token in enumerate(label[1:]))
            for row, label in enumerate(labels)
        ]

    def _run(self, ids: list[Tokens], cache: Any, *, before: int, wanted: int = 1) -> Any:
        """Moves the cache on, and returns the log-probabilities of what follows.

        Args:
            ids: Token ids, as many in each row.
            cache: What the rows go on from.
            before: How many tokens it holds.
            wanted: After how many of the last tokens.

        Returns:
            Shape (rows, wanted, vocabulary).
        """
        import torch

        tokens: Any = torch.tensor(ids, device=self.model.device)
        positions: Any = torch.arange(before, before + tokens.shape[1], device=tokens.device)
        size = 1 if before and self.one_by_one else tokens.shape[1]
        logits = []
        with torch.inference_mode():
            for part, places in zip(tokens.split(size, 1), positions.split(size), strict=True):
                inputs = {"input_ids": part, self._cache_name: cache}
                if self._takes_positions:  # some hybrids count from 0 if they are not told
                    inputs["position_ids"] = places.expand_as(part)
                outputs = self.model(**inputs, use_cache=True, logits_to_keep=wanted)
                logits.append(outputs.logits)
            return torch.log_softmax(torch.cat(logits, 1)[:, -wanted:].float(), dim=-1)

    def _state(self) -> Any:
        """Returns a copy of what the kept parts leave, or an empty state."""
        from transformers import DynamicCache

        if self._kept:
            return copy.deepcopy(self._kept[-1][1])
        return DynamicCache(config=self.model.config)


class PlainScorer:
    """One label at a time, the whole text each time: right for every causal LM.

    Args:
        model: A transformers causal LM.
        remembers: Whether a long text changes what the model says of the next one, until it
            reads a short one, as rotary frequencies do that grow with the text.
    """

    def __init__(self, model: Any, *, remembers: bool = False) -> None:
        self.model = model
        self.remembers = remembers

    def keep(self, shared: tuple[Tokens, ...]) -> list[int]:
        """Keeps nothing."""
        return [0] * len(shared)

    def score(self, batch: Batch) -> list[Floats]:
        """Returns the log-likelihoods of every prompt's labels, shape (labels,) each, in nats."""
        return [
            np.array([self._label(prompt.context, label) for label in prompt.continuations])
            .astype(np.float32)
            for prompt in batch.prompts
        ]  # fmt: skip

    def tokens_of(self, batch: Batch) -> list[int]:
        """Returns how many tokens each prompt of the batch adds."""
        return [
            sum(len(prompt.context) + len(label) - 1 for label in prompt.continuations)
            for prompt in batch.prompts
        ]

    def _label(self, context: Tokens, label: Tokens) -> float:
        import torch

        ids = torch.tensor([[*context, *label]], device=self.model.device)[:, :-1]
        with torch.inference_mode():
            if self.remembers:
                self.model(input_ids=ids[:, :1], use_cache=False)
            logits = self.model(input_ids=ids, use_cache=False).logits[0, len(context) - 1 :]
            logprobs = torch.log_softmax(logits.float(), dim=-1)
        wanted = torch.tensor(label, device=logits.device)
        return float(logprobs.gather(-1, wanted[:, None]).double().sum().item())

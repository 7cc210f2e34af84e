"""A causal LM from transformers, and the same behind the cache of outputs."""

from __future__ import annotations

import dataclasses
import functools
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.core.errors import UserError
from harness.core.files import hash_json
from harness.core.progress import Progress
from harness.core.types import Cost
from harness.models.base import Message, Outputs, PromptText
from harness.models.device import choose_device, default_dtype, numerics, use_threads
from harness.models.likelihood.engine import Engine
from harness.models.likelihood.tokens import PromptTokeniser, TokenisedPrompt
from harness.models.likelihood.tree import TreeScorer
from harness.models.outputs import OutputStore
from harness.models.quiet import quiet_transformers
from harness.models.resolve import ResolvedModel
from harness.models.score_cache import Request, ScoreCache, plan_requests

SCORING_VERSION = 2
"""Raised whenever the same prompt would get other bits; so do the constants of ``likelihood/``."""
FIXED_DATE = "{%- macro strftime_now(format) -%}26 Jul 2024{%- endmacro -%}"
"""Some chat templates write today's date, and a prompt must be the same tomorrow."""


class SlowScoringWarning(UserWarning):
    """A model cannot take the fast way of scoring."""


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
        self._stores: dict[str, OutputStore] = {}
        self._warned = False

    @functools.cached_property
    def tokenizer(self) -> Any:
        """The model's tokenizer."""
        from transformers import AutoTokenizer

        with quiet_transformers():
            return AutoTokenizer.from_pretrained(self.folder, trust_remote_code=False)

    @functools.cached_property
    def engine(self) -> Engine:
        """The model itself, and the way in which it is asked."""
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
        return Engine(model.to(device).eval())

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
            self._compute(scores, wanted)
            found = scores.get(wanted)
            values[places, :width] = found.values
            costs |= found.costs
            halved |= found.halved
        return Outputs(values, costs, halved=halved)

    @functools.cached_property
    def _tokeniser(self) -> PromptTokeniser:
        return PromptTokeniser(self.tokenizer)

    def _store(self, *what: str | int) -> OutputStore:
        folder = hash_json([*what, SCORING_VERSION, self.identity, numerics()])[:24]
        if folder not in self._stores:
            self._stores[folder] = OutputStore(self._cache / "outputs" / folder)
        return self._stores[folder]

    def _compute(self, scores: ScoreCache, requests: Sequence[Request]) -> None:
        """Runs the prompts whose scores are not in the cache, and puts them there."""
        missing = scores.missing(requests)
        if not missing:
            return
        engine = self.engine
        tokenised = [
            self._tokeniser.tokenise(request.segments, request.labels) for request in missing
        ]
        self._warn_of_slow(engine, tokenised)
        with Progress(f"{self.name}: scoring labels", len(missing), "prompt") as progress, scores:
            for scored in engine.run(tokenised):
                scores.add([missing[place] for place in scored.places], scored)
                self.prompts_run += len(scored.places)
                self.tokens_run += sum(cost.tokens for cost in (*scored.costs, *scored.shared))
                progress.update(len(scored.places))

    def _warn_of_slow(self, engine: Engine, prompts: Sequence[TokenisedPrompt]) -> None:
        """Warns, once, where labels are scored one after the other."""
        slow = [one for one in prompts if not isinstance(engine.scorers.choose(one), TreeScorer)]
        if slow and not self._warned:
            self._warned = True
            why = "this architecture" if len(slow) == len(prompts) else "some prompts' length"
            warnings.warn(
                f"{self.name}: {why} does not allow all labels to be scored in one pass; they are "
                "scored one after the other, which is exact and takes longer",
                SlowScoringWarning,
                stacklevel=2,
            )

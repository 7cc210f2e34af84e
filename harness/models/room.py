"""The models of a run, each made once; weights load only when an output is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from harness.core.cache import cache_dir
from harness.core.errors import HarnessError
from harness.models.catalog import ModelKind
from harness.models.causal_lm import LocalCausalLM
from harness.models.encoder import LocalEncoder
from harness.models.resolve import ResolvedModel, resolve

T = TypeVar("T")


class ModelRoom:
    """Gives models by what the user wrote for them.

    Args:
        cache: The cache folder; default: the user's.
    """

    def __init__(self, cache: Path | None = None) -> None:
        self.cache = cache or cache_dir()
        self._resolved: dict[tuple[str, ModelKind], ResolvedModel] = {}
        self._encoders: dict[str, LocalEncoder] = {}
        self._causal_lms: dict[str, LocalCausalLM] = {}
        self._made: dict[str, Any] = {}

    def once(self, key: str, make: Callable[[], T]) -> T:
        """Returns what was made under a key, made at the first call.

        Raises:
            HarnessError: It could not be made then, and is not tried again.
        """
        if key not in self._made:
            try:
                self._made[key] = make()
            except HarnessError as error:
                error.__context__ = error.__cause__ = None  # which would keep what failed in memory
                self._made[key] = error
        made: T | HarnessError = self._made[key]
        if isinstance(made, HarnessError):
            raise made.with_traceback(None)
        return made

    def encoder(self, model: str | ResolvedModel) -> LocalEncoder:
        """Returns the encoder, fetched where it is not on this machine yet.

        The weights of the others are let go: all of a run's encoders may be too many for memory.
        """
        resolved = self.resolved(model, "encoder")
        for identity, other in self._encoders.items():
            if identity != resolved.identity:
                other.release()
        if resolved.identity not in self._encoders:
            self._encoders[resolved.identity] = LocalEncoder(resolved, self.cache)
        return self._encoders[resolved.identity]

    def causal_lm(self, model: str | ResolvedModel) -> LocalCausalLM:
        """Returns the causal LM, fetched where it is not on this machine yet."""
        resolved = self.resolved(model, "causal_lm")
        if resolved.identity not in self._causal_lms:
            self._causal_lms[resolved.identity] = LocalCausalLM(resolved, self.cache)
        return self._causal_lms[resolved.identity]

    def resolved(self, model: str | ResolvedModel, kind: ModelKind) -> ResolvedModel:
        """Returns the model that a spec names, looked up once."""
        if isinstance(model, ResolvedModel):
            return model
        if (model, kind) not in self._resolved:
            self._resolved[model, kind] = resolve(model, kind)
        return self._resolved[model, kind]

    @property
    def texts_encoded(self) -> int:
        """How many texts went through an encoder, cached ones left out."""
        return sum(encoder.texts_encoded for encoder in self._encoders.values())

    @property
    def prompts_run(self) -> int:
        """How many prompts went through a causal LM, cached ones left out."""
        return sum(model.prompts_run for model in self._causal_lms.values())

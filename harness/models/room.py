"""The models of a run, each made once; weights load only when an output is missing."""

from __future__ import annotations

from pathlib import Path

from harness.core.cache import cache_dir
from harness.models.causal_lm import LocalCausalLM
from harness.models.encoder import LocalEncoder
from harness.models.resolve import resolve


class ModelRoom:
    """Gives models by what the user wrote for them.

    Args:
        cache: The cache folder; default: the user's.
    """

    def __init__(self, cache: Path | None = None) -> None:
        self.cache = cache or cache_dir()
        self._encoders: dict[str, LocalEncoder] = {}
        self._causal_lms: dict[str, LocalCausalLM] = {}

    def encoder(self, spec: str) -> LocalEncoder:
        """Returns the encoder, fetched where it is not on this machine yet."""
        if spec not in self._encoders:
            self._encoders[spec] = LocalEncoder(resolve(spec, "encoder"), self.cache)
        return self._encoders[spec]

    def causal_lm(self, spec: str) -> LocalCausalLM:
        """Returns the causal LM, fetched where it is not on this machine yet."""
        if spec not in self._causal_lms:
            self._causal_lms[spec] = LocalCausalLM(resolve(spec, "causal_lm"), self.cache)
        return self._causal_lms[spec]

    @property
    def texts_encoded(self) -> int:
        """How many texts went through an encoder, cached ones left out."""
        return sum(encoder.texts_encoded for encoder in self._encoders.values())

    @property
    def prompts_run(self) -> int:
        """How many prompts went through a causal LM, cached ones left out."""
        return sum(model.prompts_run for model in self._causal_lms.values())

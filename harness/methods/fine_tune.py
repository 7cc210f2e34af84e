"""Fine-tuning: all weights of the encoder, with a classification head."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.core.settings import settings
from harness.methods.fine_tuned import FineTuned


@settings
class FineTune(FineTuned):
    """Trains every weight."""

    def choose_weights(self, encoder: Any) -> Callable[[], None]:
        """All of them; there is nothing to do afterwards."""
        encoder.requires_grad_(True)
        return lambda: None

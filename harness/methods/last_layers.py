"""Fine-tuning: the last layers of the encoder, with a classification head."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field

from harness.core.settings import settings
from harness.methods.fine_tuned import FineTuned
from harness.training.weights import train_last_layers


@settings
class LastLayers(FineTuned):
    """Trains the last layers; those below stay as they were pre-trained."""

    layers: Annotated[int, Field(gt=0, description="how many layers are trained")] = 2

    def choose_weights(self, encoder: Any) -> Callable[[], None]:
        """Those of the last layers; there is nothing to do afterwards."""
        train_last_layers(encoder, self.layers)
        return lambda: None

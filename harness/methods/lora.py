"""Fine-tuning: low-rank additions to the encoder's weights, with a classification head."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field

from harness.core.settings import settings
from harness.methods.fine_tuned import FineTuned
from harness.training.weights import add_low_rank


@settings
class Lora(FineTuned):
    """Trains a low-rank product beside each linear layer, and adds it to the weights at the end."""

    learning_rate: Annotated[float, Field(gt=0, description="peak rate of the products")] = 1e-3
    rank: Annotated[int, Field(gt=0, description="rank of each product")] = 8
    alpha: Annotated[int, Field(gt=0, description="scale of a product times its rank")] = 16

    def choose_weights(self, encoder: Any) -> Callable[[], None]:
        """The products; afterwards they are added to the weights."""
        return add_low_rank(encoder, rank=self.rank, alpha=self.alpha, seed=self.context_.seed)

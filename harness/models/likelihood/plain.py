"""One label at a time, the whole prompt each time: slow, and right for every architecture."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.models.base import Floats
from harness.models.likelihood.tokens import TokenisedPrompt


class PlainScorer:
    """Scores each label by a forward pass over prompt and label, with no mask and no cache."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def keep_prefix(self, prefix: tuple[int, ...]) -> int:
        """Keeps nothing: architectures that come here may have no keys and values to keep."""
        del prefix
        return 0

    def score(self, prompt: TokenisedPrompt) -> tuple[Floats, int]:
        """Returns the log-likelihoods, shape (labels,), in nats, and how many tokens were run."""
        import torch

        values = np.empty(len(prompt.continuations), dtype=np.float32)
        run = 0
        for place, continuation in enumerate(prompt.continuations):
            ids = torch.tensor([[*prompt.context, *continuation]], device=self.model.device)[:, :-1]
            with torch.inference_mode():
                logits = self.model(input_ids=ids, use_cache=False).logits[0]
            logprobs = torch.log_softmax(logits[len(prompt.context) - 1 :].float(), dim=-1)
            wanted = torch.tensor(continuation, device=logits.device)
            chosen = logprobs.gather(-1, wanted[:, None])
            values[place] = chosen.double().sum().item()
            run += ids.shape[1]
        return values, run

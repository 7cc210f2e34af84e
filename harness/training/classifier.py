"""Training of an encoder with a classification head, all weights."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.core.errors import HarnessError
from harness.core.progress import Progress
from harness.models.batching import plan_batches
from harness.models.encoder import to_features, token_limit, tokenise
from harness.training.batches import training_batches

FIRST_OFFSET = 0.4
"""A cosine between those of a sentence with its own class's mean and with others'."""


@dataclasses.dataclass(frozen=True, slots=True)
class Recipe:
    """How to train. A fixed recipe needs no validation rows, so every label trains.

    Attributes:
        epochs: Passes over the budget; more are made until ``min_steps`` is reached, since
            small budgets fail for want of steps (Mosbach, Andriushchenko and Klakow 2021, "On
            the Stability of Fine-tuning BERT").
        min_steps: Fewest optimiser steps.
        batch_size: Examples a step.
        learning_rate: Peak rate of the encoder's weights; linear warm-up and decay.
        head_rate: Peak rate of the head's.
        scale: What cosines are multiplied by before the softmax.
        warm_up: Share of the steps in which the rates rise.
        weight_decay: AdamW's.
        clip: Largest norm of the gradient.
    """

    epochs: int
    min_steps: int
    batch_size: int
    learning_rate: float
    head_rate: float
    scale: float
    warm_up: float = 0.1
    weight_decay: float = 0.01
    clip: float = 1.0


class CosineClassifier:
    """An encoder and one vector a class; the class of the largest cosine wins.

    Where rows may have several classes a common offset is learnt beside the vectors, and every
    class is decided by itself: a logistic loss in place of the softmax.

    Args:
        encoder: A ``SentenceTransformer``, whose weights will change.
        start: First class vectors, shape (classes, dimensions): class means of the frozen
            encoder, so that training begins where :mod:`harness.methods.prototypes` ends.
        recipe: How to train.
        seed: Of dropout and the order of batches.
    """

    def __init__(
        self, encoder: Any, start: NDArray[np.float32], *, recipe: Recipe, seed: int
    ) -> None:
        self.encoder = encoder
        self.recipe = recipe
        self.seed = seed
        self.start = start
        self.tokens_run = 0

    def fit(self, texts: Sequence[str], targets: NDArray[Any]) -> CosineClassifier:
        """Trains on every text.

        Args:
            texts: The texts.
            targets: Classes, shape (texts,), or truth values, shape (texts, classes).

        Raises:
            HarnessError: The loss stopped being a number.
        """
        import torch

        ids = tokenise(self.encoder, texts)
        lengths = [len(row) for row in ids]
        steps_an_epoch = len(
            training_batches(lengths, size=self.recipe.batch_size, seed=0, epoch=0)
        )
        epochs = max(self.recipe.epochs, math.ceil(self.recipe.min_steps / steps_an_epoch))
        with torch.random.fork_rng(devices=_cuda_devices()):
            torch.manual_seed(self.seed)
            self.head = torch.nn.Parameter(torch.tensor(self.start, device=self.encoder.device))
            self.offset: Any = torch.zeros((), device=self.encoder.device)
            if targets.ndim > 1:
                self.offset = torch.nn.Parameter(self.offset + FIRST_OFFSET)
            optimiser, schedule = self._optimiser(epochs * steps_an_epoch)
            self.encoder.train()
            with Progress("fine-tuning", epochs * len(texts), "text") as progress:
                for epoch in range(epochs):
                    batches = training_batches(
                        lengths, size=self.recipe.batch_size, seed=self.seed, epoch=epoch
                    )
                    for batch in batches:
                        self._step([ids[row] for row in batch], targets[batch], optimiser)
                        schedule.step()
                        progress.update(len(batch))
        self.encoder.eval()
        return self

    def scores(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns the scaled cosines, shape (texts, classes); independent of the batching."""
        import torch

        ids = tokenise(self.encoder, texts)
        scores = np.empty((len(texts), len(self.start)), dtype=np.float32)
        lengths = [len(row) for row in ids]
        for batch in plan_batches(lengths, limit=token_limit(self.encoder)):
            rows = [ids[row] for row in batch.rows]
            with torch.inference_mode():
                logits = self._logits(rows, size=batch.size, length=batch.length)
            scores[list(batch.rows)] = logits[: len(rows)].float().cpu().numpy()
        return scores

    def _logits(self, ids: Sequence[Sequence[int]], *, size: int, length: int) -> Any:
        from torch.nn.functional import normalize

        self.tokens_run += sum(len(row) for row in ids)
        features = to_features(self.encoder, ids, size=size, length=length)
        embeddings = normalize(self.encoder(features)["sentence_embedding"], dim=-1)
        cosines = embeddings @ normalize(self.head, dim=-1).T
        return self.recipe.scale * (cosines - self.offset if self._has_offset else cosines)

    def _step(self, ids: Sequence[Sequence[int]], targets: NDArray[Any], optimiser: Any) -> None:
        import torch

        logits = self._logits(ids, size=len(ids), length=max(len(row) for row in ids))
        wanted = torch.from_numpy(targets).to(logits.device)
        losses = torch.nn.functional
        if targets.ndim > 1:
            # Added up over the classes, so that a class weighs as much as where there is one.
            each = losses.binary_cross_entropy_with_logits(logits, wanted.float(), reduction="none")
            loss = each.sum(dim=1).mean()
        else:
            loss = losses.cross_entropy(logits, wanted)
        if not torch.isfinite(loss):
            raise HarnessError(
                "fine-tuning diverged: the loss is not a number\n"
                "  hint:     try a smaller rate, for example fine_tune:learning_rate=2e-5"
            )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        weights = [weight for group in optimiser.param_groups for weight in group["params"]]
        torch.nn.utils.clip_grad_norm_(weights, self.recipe.clip)
        optimiser.step()

    @property
    def _has_offset(self) -> bool:
        return bool(self.offset.requires_grad)

    def _optimiser(self, steps: int) -> tuple[Any, Any]:
        import torch
        from transformers import get_linear_schedule_with_warmup

        weights = [weight for weight in self.encoder.parameters() if weight.requires_grad]
        head = [self.head, *([self.offset] if self._has_offset else [])]
        optimiser = torch.optim.AdamW(
            [
                {"params": weights, "lr": self.recipe.learning_rate},
                {"params": head, "lr": self.recipe.head_rate, "weight_decay": 0.0},
            ],
            weight_decay=self.recipe.weight_decay,
            fused=True,
        )
        warm_up = math.ceil(self.recipe.warm_up * steps)
        return optimiser, get_linear_schedule_with_warmup(optimiser, warm_up, steps)


def _cuda_devices() -> list[int]:
    import torch

    return list(range(torch.cuda.device_count()))

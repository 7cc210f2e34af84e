"""An encoder trained so that texts of one class lie together."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.training.backbone import Backbone
from harness.training.batches import class_batches
from harness.training.loop import Recipe, optimise
from harness.training.vocabulary import used_words


def fit_contrastive(
    backbone: Backbone,
    texts: Sequence[str],
    targets: NDArray[Any],
    *,
    recipe: Recipe,
    temperature: float,
    seed: int,
) -> None:
    """Trains the encoder with the supervised contrastive loss, in place.

    Khosla et al. 2020, "Supervised Contrastive Learning", equation 2 (the sum over positives
    outside the logarithm), in the batch: every text is encoded once, and memory grows with the
    batch, not with the number of pairs or classes.

    Args:
        backbone: The encoder.
        texts: The texts.
        targets: Classes, shape (texts,), or truth values, shape (texts, classes): rows attract
            each other by the share of their classes that they have in common.
        recipe: How to train.
        temperature: What cosines are divided by.
        seed: Of dropout and the batches.

    Raises:
        DivergedError: The loss stopped being a number, or all texts became alike.
    """
    import torch

    ids = backbone.tokenise(texts)

    def loss(batch: Sequence[int]) -> Any:
        units = backbone.embed([ids[row] for row in batch])
        alike = torch.from_numpy(in_common(targets[list(batch)])).to(units.device)
        return supervised_contrastive(units, alike, temperature)

    def batches(epoch: int) -> list[list[int]]:
        return class_batches(keys, size=recipe.batch_size, seed=seed, epoch=epoch)

    keys = [str(row) for row in targets.tolist()]
    with used_words(backbone.encoder, ids):
        optimise(
            backbone.encoder,
            loss,
            batches,
            recipe=recipe,
            seed=seed,
            title="contrastive training",
            guessing=_all_alike(batches(0)),
        )


def _all_alike(batches: Sequence[Sequence[int]]) -> float:
    """Returns the mean loss of an encoder that gives all texts one embedding."""
    return statistics.fmean(math.log(max(1, len(batch) - 1)) for batch in batches)


def supervised_contrastive(units: Any, alike: Any, temperature: float) -> Any:
    """Returns the loss of a batch, a tensor of one number.

    Args:
        units: Unit embeddings, shape (rows, dimensions).
        alike: How much each pair of rows is to attract each other, shape (rows, rows).
        temperature: What cosines are divided by.
    """
    import torch

    own = torch.eye(len(units), dtype=torch.bool, device=units.device)
    scores = (units @ units.T / temperature).masked_fill(own, float("-inf"))
    log_shares = scores.log_softmax(dim=1).masked_fill(own, 0.0)
    wanted = alike.masked_fill(own, 0.0)
    totals = wanted.sum(dim=1)
    each = -(wanted * log_shares).sum(dim=1) / totals.clamp(min=1e-9)
    counted = totals > 0
    return each[counted].sum() / counted.sum().clamp(min=1)


def in_common(targets: NDArray[Any]) -> NDArray[np.float32]:
    """Returns the share of two rows' classes that both have, shape (rows, rows)."""
    if targets.ndim == 1:
        return np.asarray(targets[:, None] == targets, dtype=np.float32)
    has = targets.astype(np.float32)
    both = has @ has.T
    either = has.sum(axis=1)[:, None] + has.sum(axis=1) - both
    return np.asarray(both / np.maximum(either, 1), dtype=np.float32)

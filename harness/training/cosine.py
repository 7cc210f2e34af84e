"""An encoder trained with a cosine classifier on top."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.training.backbone import Backbone
from harness.training.batches import shuffled
from harness.training.loop import DivergedError, Recipe, optimise
from harness.training.vocabulary import used_words

FIRST_OFFSET = 0.4
"""A cosine between those of a sentence with its own class's mean and with others'."""


class CosineClassifier:
    """An encoder and one vector a class; the class of the largest cosine wins.

    Where rows may have several classes a common offset is learnt beside the vectors, and every
    class is decided by itself: a logistic loss in place of the softmax.

    Args:
        backbone: The encoder, whose weights will change.
        start: First class vectors, shape (classes, dimensions): class means of the frozen
            encoder, so that training begins where :mod:`harness.methods.prototypes` ends.
        scale: What cosines are multiplied by before the softmax.
    """

    def __init__(self, backbone: Backbone, start: NDArray[np.float32], *, scale: float) -> None:
        self.backbone = backbone
        self.start = start
        self.scale = scale

    def fit(
        self,
        texts: Sequence[str],
        targets: NDArray[Any],
        *,
        recipe: Recipe,
        seed: int,
        weights: NDArray[np.float32] | None = None,
        held: tuple[Sequence[str], NDArray[Any]] | None = None,
    ) -> CosineClassifier:
        """Trains on every text.

        Args:
            texts: The texts.
            targets: Classes, shape (texts,), or truth values, shape (texts, classes).
            recipe: How to train.
            seed: Of dropout and the order of batches.
            weights: Shape (classes,): how much each class counts; where rows may have several, how
                much having it counts beside not having it. None for all alike.
            held: Texts and targets to judge every epoch by: the best one's weights are kept.

        Raises:
            DivergedError: The loss stopped being a number, or rose to that of guessing.
        """
        import torch

        ids = self.backbone.tokenise(texts)
        self._make_head(several=targets.ndim > 1)
        counted = None if weights is None else torch.tensor(weights, device=self.backbone.device)
        best = _Best(self, *held) if held else None

        def loss(batch: Sequence[int]) -> Any:
            logits = self._logits(self.backbone.embed([ids[row] for row in batch]))
            return _loss(logits, targets[list(batch)], counted)

        with used_words(self.backbone.encoder, ids):
            optimise(
                self.backbone.encoder,
                loss,
                shuffled(ids, recipe.batch_size, seed),
                recipe=recipe,
                seed=seed,
                title="fine-tuning",
                head=self.trained_head,
                guessing=math.inf if best else _guessing(targets, weights),
                after_epoch=best.judge if best else lambda: None,
            )
            if best:
                best.restore()
        return self

    def _make_head(self, *, several: bool) -> None:
        import torch

        device = self.backbone.device
        self.head = torch.nn.Parameter(torch.tensor(self.start, device=device))
        self.offset: Any = torch.zeros((), device=device)
        if several:
            self.offset = torch.nn.Parameter(self.offset + FIRST_OFFSET)

    @property
    def trained_head(self) -> list[Any]:
        """What is trained on top of the encoder: the class vectors, and the offset if any."""
        return [self.head, *([self.offset] if self.offset.requires_grad else [])]

    def scores(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns the scaled cosines, shape (texts, classes); independent of the batching."""
        found = self.backbone.run(texts, self._logits)
        return found if len(texts) else np.empty((0, len(self.start)), dtype=np.float32)

    def _logits(self, embeddings: Any) -> Any:
        from torch.nn.functional import normalize

        return self.scale * (embeddings @ normalize(self.head, dim=-1).T - self.offset)


def _loss(logits: Any, targets: NDArray[Any], weights: Any) -> Any:
    """Returns the loss of a batch; of several classes a row it is added up over the classes.

    So a class weighs as much there as where a row has one.
    """
    import torch

    wanted = torch.from_numpy(targets).to(logits.device)
    losses = torch.nn.functional
    if targets.ndim == 1:
        return losses.cross_entropy(logits, wanted, weight=weights)
    return losses.binary_cross_entropy_with_logits(
        logits, wanted.float(), pos_weight=weights, reduction="none"
    ).sum(dim=1).mean()  # fmt: skip


def _guessing(targets: NDArray[Any], weights: NDArray[np.float32] | None) -> float:
    """Returns the least loss of one who knows no more than how frequent classes are."""
    from scipy.special import xlogy

    if targets.ndim > 1:
        having = targets.mean(axis=0) * (1.0 if weights is None else weights)
        lacking = 1 - targets.mean(axis=0)
        shares = having / np.maximum(having + lacking, 1e-12)
        return -float((xlogy(having, shares) + xlogy(lacking, 1 - shares)).sum())
    counts = np.bincount(targets)
    counted = counts * (1.0 if weights is None else weights[: len(counts)])
    shares = counted[counted > 0] / counted.sum()
    return -float(shares @ np.log(shares))


class _Best:
    """Keeps what a classifier had learnt after its best epoch on held-out texts."""

    def __init__(
        self, classifier: CosineClassifier, texts: Sequence[str], targets: NDArray[Any]
    ) -> None:
        self.classifier = classifier
        self.texts, self.targets = texts, targets
        self.lowest = float("inf")
        self.kept: tuple[Any, ...] = ()

    def judge(self) -> None:
        """Keeps the weights where they are the best so far."""
        import torch

        classifier = self.classifier
        scores = torch.from_numpy(classifier.scores(self.texts))
        found = float(_loss(scores, self.targets, None))
        if found < self.lowest:
            self.lowest = found
            state = classifier.backbone.encoder.state_dict()
            self.kept = tuple(map(copy.deepcopy, (state, *classifier.trained_head)))

    def restore(self) -> None:
        """Puts the best weights back.

        Raises:
            DivergedError: No epoch had a loss that is a number.
        """
        if not self.kept:
            raise DivergedError("training diverged: the loss on held-out texts is not a number")
        state, *head = self.kept
        self.classifier.backbone.encoder.load_state_dict(state)
        for weight, best in zip(self.classifier.trained_head, head, strict=True):
            weight.data = best.data

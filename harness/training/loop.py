"""The training loop: steps over batches, the optimiser, its schedule, and divergence."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from harness.core.errors import HarnessError
from harness.core.progress import Progress

Batches = Callable[[int], Sequence[Sequence[int]]]
"""Gives the batches of an epoch, each a list of row positions."""
Loss = Callable[[Sequence[int]], Any]
"""Gives the loss of a batch, a tensor of one number."""
UNTOUCHED = 2
"""Steps whose losses are those of the weights as they were: the first one's rate is nought."""
BETTER, LIKE = 0.9, 0.98
"""Shares of the loss of guessing: below the first something is known, above the second nothing."""


@dataclasses.dataclass(frozen=True, slots=True)
class Recipe:
    """How to train.

    AdamW with bias correction, linear warm-up and decay, and steps enough for small budgets: what
    Mosbach, Andriushchenko and Klakow 2021 ("On the Stability of Fine-tuning BERT", section 6)
    and Zhang et al. 2021 ("Revisiting Few-sample BERT Fine-tuning", sections 4 and 6) found to
    make training on few examples stable.

    Attributes:
        epochs: Passes over the rows; more are made until ``min_steps`` is reached.
        min_steps: Fewest optimiser steps.
        batch_size: Rows a step.
        learning_rate: Peak rate of the model's weights.
        head_rate: Peak rate of what is trained on top of the model.
        warm_up: Share of the steps in which the rates rise.
        weight_decay: AdamW's.
        clip: Largest norm of the gradient.
    """

    epochs: int
    min_steps: int = 0
    batch_size: int = 16
    learning_rate: float = 1e-4
    head_rate: float = 1e-2
    warm_up: float = 0.1
    weight_decay: float = 0.01
    clip: float = 1.0

    def epochs_of(self, steps_an_epoch: int) -> int:
        """Returns how many epochs are made where one has so many steps."""
        return max(self.epochs, math.ceil(self.min_steps / max(1, steps_an_epoch)))


class DivergedError(HarnessError):
    """The loss or its gradient stopped being a number, or all that was known was lost."""


def optimise(
    model: Any,
    loss: Loss,
    batches: Batches,
    *,
    recipe: Recipe,
    seed: int,
    title: str,
    head: Sequence[Any] = (),
    guessing: float = math.inf,
    after_epoch: Callable[[], None] = lambda: None,
) -> None:
    """Trains those weights of a model that ask for it, in place.

    Args:
        model: A torch module; it is left as for inference.
        loss: The loss of a batch.
        batches: The batches of an epoch.
        recipe: How to train.
        seed: Of torch's randomness (dropout, and what the loss draws).
        title: What the progress bar says.
        head: Parameters on top of the model, trained at ``head_rate`` without decay.
        guessing: The loss of one who does not read the texts, where that is known.
        after_epoch: Called after each epoch.

    Raises:
        DivergedError: The loss or its gradient is not a number; or the loss was below that of
            guessing before training, and in the last epoch is not.
    """
    import torch

    epochs = recipe.epochs_of(len(batches(0)))
    steps = [len(batches(epoch)) for epoch in range(epochs)]
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimiser, schedule = _optimiser(weights, head, recipe, sum(steps))
    trained = [*weights, *head]
    losses: list[float] = []
    with seeded(seed), Progress(title, sum(steps), "step") as progress:
        for epoch in range(epochs):
            model.train()
            for batch in batches(epoch):
                losses.append(_step(loss(batch), optimiser, trained, recipe.clip))
                schedule.step()
                progress.update()
            model.eval()
            if not all(torch.isfinite(weight).all() for weight in trained):
                raise DivergedError("training diverged: a weight is not a number")
            after_epoch()
    optimiser.zero_grad(set_to_none=True)  # as much memory as the weights
    _check_learnt(losses, last=steps[-1], guessing=guessing)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Makes torch's randomness that of a seed, and puts it back as it was afterwards."""
    import torch

    with torch.random.fork_rng(devices=list(range(torch.cuda.device_count()))):
        torch.manual_seed(seed)
        yield


def _step(value: Any, optimiser: Any, trained: Sequence[Any], clip: float) -> float:
    """Takes a step against the gradient of a loss; returns the loss.

    Raises:
        DivergedError: The loss or its gradient is not a number; no weight was changed then.
    """
    import torch

    optimiser.zero_grad(set_to_none=True)
    value.backward()
    norm = torch.nn.utils.clip_grad_norm_(trained, clip)
    if not (torch.isfinite(value) and torch.isfinite(norm)):
        raise DivergedError("training diverged: the loss is not a number")
    optimiser.step()
    return float(value.detach())


def _check_learnt(losses: Sequence[float], *, last: int, guessing: float) -> None:
    """Makes sure that what was known before training is not lost after its last steps.

    Raises:
        DivergedError: It is.
    """
    before, after = statistics.fmean(losses[:UNTOUCHED]), statistics.fmean(losses[-last:])
    if before < BETTER * guessing and after >= LIKE * guessing:
        raise DivergedError("training diverged: in the end it does no better than guessing")


def _optimiser(
    weights: Sequence[Any], head: Sequence[Any], recipe: Recipe, steps: int
) -> tuple[Any, Any]:
    import torch
    from transformers import get_linear_schedule_with_warmup

    groups: list[dict[str, Any]] = [{"params": list(weights), "lr": recipe.learning_rate}]
    if head:
        groups.append({"params": list(head), "lr": recipe.head_rate, "weight_decay": 0.0})
    optimiser = torch.optim.AdamW(groups, weight_decay=recipe.weight_decay, fused=True)
    warm_up = min(math.ceil(recipe.warm_up * steps), steps - 1)
    return optimiser, get_linear_schedule_with_warmup(optimiser, warm_up, steps)

"""Training again where it diverged, or where memory ran short."""

from __future__ import annotations

import dataclasses
import gc
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from harness.core.errors import HarnessError
from harness.training.loop import DivergedError
from harness.training.weights import transformer_of

T = TypeVar("T")
SMALLER = 4.0
LEAST_RATE = 1 / SMALLER**2


@dataclasses.dataclass(frozen=True, slots=True)
class Attempt:
    """How to train this time.

    Attributes:
        rate: What the learning rates are multiplied by.
        checkpointing: Whether activations are computed again in the backward pass, to save memory.
    """

    rate: float = 1.0
    checkpointing: bool = False


def save_memory(module: Any, now: Attempt) -> None:
    """Has a module's transformer compute its activations twice, where this attempt asks for it.

    Raises:
        HarnessError: It cannot, or there is none.
    """
    if not now.checkpointing:
        return
    model = transformer_of(module)
    if not model.supports_gradient_checkpointing:
        raise HarnessError(
            "the memory of the GPU does not hold one step of training, and a "
            f"{type(model).__name__} cannot compute its activations twice to save some\n"
            "  hint:     make the steps smaller, such as batch_size=4"
        )
    with warnings.catch_warnings(action="ignore"):  # it has another name in later versions
        # Else there is no gradient behind frozen layers.
        model.gradient_checkpointing_enable({"use_reentrant": False})


def attempt(train: Callable[[Attempt], T], note: Callable[[str], None]) -> T:
    """Returns what training gives; begins again, more carefully, where it fails.

    Args:
        train: Trains from the beginning.
        note: Is told what a reader of the results should know.

    Raises:
        HarnessError: It diverged at every rate, or one step does not fit into memory.
    """
    import torch

    now = Attempt()
    while True:
        try:
            return train(now)
        except DivergedError as error:
            if now.rate <= LEAST_RATE:
                raise HarnessError(
                    f"{error}, at {now.rate:g} of the learning rate too\n"
                    "  hint:     give a smaller one, such as learning_rate=1e-5"
                ) from None
            now = dataclasses.replace(now, rate=now.rate / SMALLER)
            note(f"training diverged, and was begun again at {now.rate:g} of the learning rate")
        except torch.OutOfMemoryError as error:
            if now.checkpointing:
                raise HarnessError(
                    f"the memory of the GPU does not hold one step of training: {error}\n"
                    "  hint:     make the steps smaller, such as batch_size=4"
                ) from None
            now = dataclasses.replace(now, checkpointing=True)
            note("memory ran short: activations were computed twice (gradient checkpointing)")
        gc.collect()  # the copy that failed is in reference cycles
        torch.cuda.empty_cache()

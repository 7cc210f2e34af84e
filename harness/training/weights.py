"""Which weights of an encoder are trained: all, those of the last layers, or low-rank additions."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from harness.core.errors import HarnessError
from harness.models.embedding_tables import find_transformer
from harness.training.loop import seeded


def train_last_layers(encoder: Any, layers: int) -> None:
    """Freezes an encoder below its last layers.

    Raises:
        HarnessError: No list of layers is found in it, it has fewer, or they share their weights.
    """
    import torch

    transformer = transformer_of(encoder)
    stacks = [one for one in transformer.modules() if isinstance(one, torch.nn.ModuleList)]
    if not stacks:
        raise HarnessError(f"no layers were found in a {type(transformer).__name__}")
    stack = max(stacks, key=len)
    if len(stack) < getattr(transformer.config, "num_hidden_layers", 0):
        raise HarnessError(
            f"the layers of a {type(transformer).__name__} share their weights, so the last ones "
            "cannot be trained apart\n  hint:     fine_tune trains all weights, lora adds to them"
        )
    if layers > len(stack):
        raise HarnessError(
            f"a {type(transformer).__name__} with {len(stack)} layers has no last {layers}\n"
            f"  hint:     last_layers:layers={min(2, len(stack))}, or fine_tune for all weights"
        )
    inside = {id(weight) for weight in stack.parameters()}
    passed = False
    for weight in transformer.parameters():
        passed |= id(weight) in inside
        weight.requires_grad = passed and id(weight) not in inside  # a last norm stays free
    for module in transformer.modules():
        if isinstance(module, torch.nn.Embedding):  # of relative positions: every layer reads it
            module.requires_grad_(False)
    around = next(one for one in transformer.modules() if stack in one.children())
    if hasattr(around, "rel_embeddings"):  # DeBERTa's: its norm is theirs, and every layer's too
        around.requires_grad_(False)
    for layer in list(stack)[-layers:]:
        layer.requires_grad_(True)


def add_low_rank(encoder: Any, *, rank: int, alpha: int, seed: int) -> Callable[[], None]:
    """Freezes an encoder and adds a low-rank product to each of its linear layers.

    Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models": W + (alpha / rank) B A,
    B beginning at nought.

    Args:
        encoder: A ``SentenceTransformer``.
        rank: Of each product.
        alpha: Its scale, before it is divided by the rank.
        seed: Of A.

    Returns:
        What adds the products to the weights for good, when training is over.
    """
    from peft import LoraConfig, get_peft_model

    encoder.requires_grad_(False)
    config = LoraConfig(r=rank, lora_alpha=alpha, target_modules="all-linear", lora_dropout=0.0)
    with seeded(seed), warnings.catch_warnings(action="ignore"):  # of peft's own doings
        adapted = get_peft_model(transformer_of(encoder), config)

    def merge() -> None:
        adapted.merge_and_unload()

    return merge


def transformer_of(encoder: Any) -> Any:
    """Returns the model of transformers inside a ``SentenceTransformer``.

    Raises:
        HarnessError: There is none, as in a table of static embeddings.
    """
    transformer = find_transformer(encoder)
    if transformer is None:
        raise HarnessError(
            "this encoder is no transformer, and cannot be trained\n"
            "  hint:     nearest_neighbours, prototypes and linear_probe can use it as it is"
        )
    return transformer

"""The tables of embeddings of a model, of words and of places, and what has no row in them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from typing import Any

from harness.core.errors import ModelError

PLACE_TABLES = frozenset({"position_embeddings", "position_embedding", "embed_positions", "wpe"})
"""What models call the table of the places in a text, where they learn one."""


def find_transformer(model: Any) -> Any:
    """Returns the model of transformers that a module is or has inside, or None."""
    from transformers import PreTrainedModel

    return next((one for one in model.modules() if isinstance(one, PreTrainedModel)), None)


def word_table(model: Any) -> Any:
    """Returns the word embeddings of a model of transformers; None where it reads no words."""
    with contextlib.suppress(NotImplementedError):  # it reads characters, or bytes
        return model.get_input_embeddings()
    return None


def places_of(model: Any) -> int | None:
    """Returns how many tokens of a text a model has places for; None where it counts no places.

    Args:
        model: A model of transformers, or a module with one inside.
    """
    from torch.nn import Embedding

    transformer = find_transformer(model)
    limits = []
    for name, table in transformer.named_modules() if transformer is not None else ():
        if name.rpartition(".")[2] in PLACE_TABLES and isinstance(table, Embedding):
            first = 0 if table.padding_idx is None else table.padding_idx + 1  # as RoBERTa counts
            first = getattr(table, "offset", first)  # as OPT does
            limits.append(table.num_embeddings - first)
    return min(limits, default=None)


def check_tokens(model: Any, tokenizer: Any, ids: Iterable[Sequence[int]]) -> None:
    """Checks that a model has an embedding for every token it is to read.

    Looked up on a GPU, a token without one would make the card useless to all that comes after.

    Args:
        model: A model of transformers, or a module with one inside.
        tokenizer: Its tokenizer.
        ids: The token ids of every text.

    Raises:
        ModelError: A token has none, as when it was added to the tokenizer alone.
    """
    transformer = find_transformer(model)
    table = transformer and word_table(transformer)
    rows = getattr(table, "num_embeddings", None)
    highest = max((max(row) for row in ids if row), default=0)
    if rows is not None and highest >= rows:
        token = tokenizer.convert_ids_to_tokens(highest)
        raise ModelError(
            f"the tokenizer gives {token!r} the number {highest}, and the model has embeddings "
            f"for {rows} tokens, the last of them {rows - 1}\n"
            "  hint:     the token was added to the tokenizer alone; in transformers,"
            " model.resize_token_embeddings(len(tokenizer)) gives it a row, and the model saved"
            " after that can be used"
        )

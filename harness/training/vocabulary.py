"""The word embeddings that training texts use, trained without the rest of the table."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from harness.models.embedding_tables import find_transformer, word_table


@contextlib.contextmanager
def used_words(encoder: Any, ids: Sequence[Sequence[int]]) -> Iterator[None]:
    """Trains the word embeddings of the tokens in some texts; those of others stay as they are.

    Another token's embedding has no gradient, so training would leave it alone but for weight
    decay. Its share of the gradient and of the optimiser's state is saved all the same: half of
    MiniLM's weights are word embeddings, nine tenths of some multilingual encoders'.

    Args:
        encoder: A ``SentenceTransformer``. Where its word embeddings are frozen, or more than a
            table, nothing changes.
        ids: The token ids of every text that will be trained on.
    """
    import torch

    model = find_transformer(encoder)
    table: Any = word_table(model) if model is not None else None
    plain = type(table) is torch.nn.Embedding and not (table.max_norm or table.sparse)
    if not plain or not table.weight.requires_grad:
        yield
        return
    rows = _some_rows(table, {*itertools.chain(*ids), encoder.tokenizer.pad_token_id or 0})
    model.set_input_embeddings(rows)
    try:
        yield
    finally:
        model.set_input_embeddings(table)
        table.weight.requires_grad_(True)
        with torch.no_grad():
            table.weight[rows.tokens] = rows.weight


def _some_rows(table: Any, tokens: set[int]) -> Any:
    """Returns a table of embeddings of which the rows of some tokens are trained."""
    import torch

    class SomeRows(torch.nn.Module):
        """The rows of some tokens, and the whole table for texts that are not trained on."""

        def __init__(self) -> None:
            super().__init__()
            device = table.weight.device
            self.tokens = torch.tensor(sorted(tokens), device=device)
            self.num_embeddings = table.num_embeddings
            self.places = torch.full((self.num_embeddings,), -1, device=device)
            self.places[self.tokens] = torch.arange(len(self.tokens), device=device)
            self.table = table.requires_grad_(False)
            self.weight = torch.nn.Parameter(table.weight[self.tokens].clone())
            self.train(table.training)

        def forward(self, tokens: Any) -> Any:
            """Returns the embeddings of token ids of any shape, with one dimension more."""
            places = self.places[tokens]
            if self.training:
                return torch.nn.functional.embedding(places, self.weight)
            found = self.table(tokens)
            known = places >= 0
            found[known] = self.weight[places[known]]
            return found

    return SomeRows()

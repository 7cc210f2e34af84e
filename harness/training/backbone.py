"""A sentence encoder whose weights may change, and texts run through it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.models.batching import plan_batches
from harness.models.device import half_precision
from harness.models.encoder import to_features, token_limit, tokenise

PARTS = (1, 2, 4)
PASS_SLOTS = 128
"""What a further pass costs on a CPU, in token slots, about."""


class Backbone:
    """The model that is trained, and how many tokens went through it.

    Args:
        encoder: A ``SentenceTransformer`` of its own, in float32.

    Attributes:
        encoder: The same.
        tokens_run: Tokens run since it was made, padding left out.
        shortened: Texts tokenised since then that fill all that it reads.
    """

    def __init__(self, encoder: Any) -> None:
        self.encoder = encoder
        self.tokens_run = 0
        self.shortened = 0

    @property
    def device(self) -> Any:
        """Where it runs."""
        return self.encoder.device

    def tokenise(self, texts: Sequence[str]) -> list[list[int]]:
        """Returns the token ids of each text, cut at what the model reads."""
        ids = tokenise(self.encoder, texts)
        limit = token_limit(self.encoder)
        self.shortened += sum(len(row) >= limit for row in ids)
        return ids

    def embed(self, ids: Sequence[Sequence[int]]) -> Any:
        """Returns the embeddings of a training batch, made unit vectors.

        A tensor of shape (rows, dimensions). A batch of unlike lengths runs in parts, each padded
        to its longest row and no further; on a GPU, where padding costs less than another pass,
        in one. Where a GPU has bfloat16 the matrices are multiplied in it; the weights stay in
        float32.
        """
        import torch

        kind = self.device.type
        order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
        parts = in_parts(order, [len(row) for row in ids]) if kind == "cpu" else [order]
        with torch.autocast(kind, dtype=torch.bfloat16, enabled=half_precision(kind)):
            found = torch.cat([self._run_padded([ids[row] for row in part]) for part in parts])
        places = torch.empty(len(ids), dtype=torch.long)
        places[torch.tensor(order)] = torch.arange(len(ids))
        return found[places.to(self.device)]

    def run(
        self, texts: Sequence[str], of: Callable[[Any], Any] = lambda embeddings: embeddings
    ) -> NDArray[np.float32]:
        """Returns what ``of`` makes of the unit embeddings of each text, without training.

        Texts run in batches whose shape follows from their length alone, so that a row does not
        depend on the others.

        Args:
            texts: The texts.
            of: From a tensor of shape (rows, dimensions) to one of shape (rows, width).

        Returns:
            Shape (texts, width).
        """
        import torch

        self.encoder.eval()
        ids = self.tokenise(texts)
        rows: list[Any] = [None] * len(texts)
        for batch in plan_batches([len(row) for row in ids], limit=token_limit(self.encoder)):
            with torch.inference_mode():
                embeddings = self._run(
                    [ids[row] for row in batch.rows], size=batch.size, length=batch.length
                )
                values = of(embeddings).float().cpu().numpy()
            for place, row in enumerate(batch.rows):
                rows[row] = values[place]
        return np.stack(rows) if rows else np.empty((0, 0), dtype=np.float32)

    def _run_padded(self, ids: Sequence[Sequence[int]]) -> Any:
        return self._run(ids, size=len(ids), length=max(1, *map(len, ids)))

    def _run(self, ids: Sequence[Sequence[int]], *, size: int, length: int) -> Any:
        from torch.nn.functional import normalize

        self.tokens_run += sum(len(row) for row in ids)
        features = to_features(self.encoder, ids, size=size, length=length)
        return normalize(self.encoder(features)["sentence_embedding"].float(), dim=-1)


def in_parts(order: Sequence[int], lengths: Sequence[int]) -> list[Sequence[int]]:
    """Returns rows in the number of parts that costs least.

    Args:
        order: The rows, by length.
        lengths: The length of each row.
    """

    def cost(parts: Sequence[Sequence[int]]) -> int:
        return sum(PASS_SLOTS + len(part) * lengths[part[-1]] for part in parts)

    ways = []
    for count in PARTS:
        size = -(-len(order) // count)
        ways.append([order[start : start + size] for start in range(0, len(order), size)])
    return min(ways, key=cost)

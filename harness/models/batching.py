"""Batches of one shape a length: a text's numbers do not depend on what it is batched with."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

LENGTH_STEP = 4
SLOTS = 256
TOGETHER = 4


@dataclasses.dataclass(frozen=True, slots=True)
class Batch:
    """Some texts to run together.

    Attributes:
        rows: Which texts, by position.
        size: How many rows the batch has; those beyond ``rows`` are filler.
        length: Tokens a row, padding included.
    """

    rows: tuple[int, ...]
    size: int
    length: int


def plan_batches(lengths: Sequence[int], *, limit: int, together: int = 0) -> list[Batch]:
    """Puts texts of like length together, in batches whose shape follows from the length alone.

    Matrix products give a row the same bits whatever the other rows hold, as long as the shape
    is the same. So the last batch of each length is filled up rather than cut, and what is
    computed today for ten texts equals what is computed tomorrow for ten thousand.

    Args:
        lengths: Tokens of each text; a tokenizer may leave none of an empty one.
        limit: The longest row the model reads; longer texts have been cut to it.
        together: Up to what length ``TOGETHER`` full batches run as one, which is faster: for a
            model whose rows have been seen to keep their bits then.
    """
    buckets: dict[int, list[int]] = {}
    for row, length in enumerate(lengths):
        bucket = min(-(-max(length, 1) // LENGTH_STEP) * LENGTH_STEP, limit)
        buckets.setdefault(bucket, []).append(row)
    batches = []
    for length, rows in sorted(buckets.items(), reverse=True):
        size = batch_rows(length)
        large = TOGETHER * size
        cut = len(rows) // large * large if length <= together else 0
        batches += [
            Batch(tuple(rows[at : at + large]), large, length) for at in range(0, cut, large)
        ]
        batches += [
            Batch(tuple(rows[at : at + size]), size, length) for at in range(cut, len(rows), size)
        ]
    return batches


def batch_rows(length: int) -> int:
    """Returns how many rows a batch of rows of this length has."""
    return max(1, SLOTS // length)

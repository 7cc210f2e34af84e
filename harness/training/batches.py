"""Batches for training: shuffled, yet of like length, so that little padding is run."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

MEGA_BATCHES = 8


def training_batches(
    lengths: Sequence[int], *, size: int, seed: int, epoch: int
) -> list[list[int]]:
    """Returns one epoch of batches, each a list of row positions.

    The rows are shuffled, cut into groups of ``MEGA_BATCHES`` batches, sorted by length inside
    each group and cut into batches, which are shuffled again. A last batch of a single row is
    joined to the one before it.
    """
    shuffled = sorted(range(len(lengths)), key=lambda row: _rank(seed, epoch, row))
    batches: list[list[int]] = []
    for start in range(0, len(shuffled), size * MEGA_BATCHES):
        group = sorted(shuffled[start : start + size * MEGA_BATCHES], key=lambda row: lengths[row])
        batches += [group[cut : cut + size] for cut in range(0, len(group), size)]
    if size > 1 and len(batches) > 1 and len(batches[-1]) == 1:
        last = batches.pop()
        batches[-1] += last
    return sorted(batches, key=lambda batch: _rank(seed, epoch, batch[0]))


def _rank(seed: int, epoch: int, row: int) -> str:
    return hashlib.sha256(f"{seed}:{epoch}:{row}".encode()).hexdigest()

"""Batches for training: shuffled, yet of like length, so that little padding is run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

MEGA_BATCHES = 32
TOGETHER = 4


def shuffled(
    rows: Sequence[Sequence[int]], size: int, seed: int
) -> Callable[[int], list[list[int]]]:
    """Returns what gives the batches of an epoch for rows of token ids."""
    lengths = [len(row) for row in rows]
    return lambda epoch: training_batches(lengths, size=size, seed=seed, epoch=epoch)


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


def class_batches(
    classes: Sequence[str], *, size: int, seed: int, epoch: int, together: int = TOGETHER
) -> list[list[int]]:
    """Returns one epoch of batches in which rows meet others of their class.

    The rows of each class are shuffled and cut into groups of ``together``, a last row of a class
    being joined to the group before it; the groups are shuffled and fill up the batches. Every row
    comes once.

    Args:
        classes: The class of each row.
        size: Rows a batch, about.
        seed: Of the order.
        epoch: Another epoch, another order.
        together: Rows of a class that go into a batch together.
    """
    rows_of: dict[str, list[int]] = {}
    for row in sorted(range(len(classes)), key=lambda row: _rank(seed, epoch, row)):
        rows_of.setdefault(classes[row], []).append(row)
    groups: list[list[int]] = []
    for rows in rows_of.values():
        cut = [rows[start : start + together] for start in range(0, len(rows), together)]
        if len(cut) > 1 and len(cut[-1]) == 1:
            last = cut.pop()
            cut[-1] += last
        groups += cut
    groups.sort(key=lambda group: _rank(seed, epoch, group[0]))
    batches: list[list[int]] = []
    for group in groups:
        if not batches or len(batches[-1]) + len(group) > max(size, together):
            batches.append([])
        batches[-1] += group
    if len(batches) > 1 and len(batches[-1]) < together:
        last = batches.pop()
        batches[-1] += last
    return batches


def _rank(seed: int, epoch: int, row: int) -> str:
    return hashlib.sha256(f"{seed}:{epoch}:{row}".encode()).hexdigest()

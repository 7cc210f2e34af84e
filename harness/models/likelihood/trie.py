"""The trie of all label token sequences: what labels share is run once, leaves never."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
from numpy.typing import NDArray


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class LabelTrie:
    """The inner nodes of a trie, parents before children, and the steps of every label.

    A node stands for the tokens from the root to it. The root is the end of the prompt and has
    no number. Only nodes with children are kept: a leaf predicts nothing.

    Attributes:
        tokens: Shape (nodes,): the token of each inner node.
        depths: Shape (nodes,): 1 for a child of the root.
        ancestry: Shape (nodes, nodes): True where the column's node is the row's node or one
            above it.
        predicting: Shape (steps,): the place that predicts each token of every label, label
            after label: 0 for the root, n + 1 for node n.
        predicted: Shape (steps,): those tokens.
        starts: Shape (labels,): where in the steps each label's begin.
    """

    tokens: NDArray[np.int64]
    depths: NDArray[np.int64]
    ancestry: NDArray[np.bool_]
    predicting: NDArray[np.int64]
    predicted: NDArray[np.int64]
    starts: NDArray[np.int64]


@functools.lru_cache(maxsize=16)
def build_trie(continuations: tuple[tuple[int, ...], ...]) -> LabelTrie:
    """Builds the trie of the labels' token sequences; labels may be prefixes of each other."""
    inner = {sequence[:length] for sequence in continuations for length in range(1, len(sequence))}
    nodes = sorted(inner, key=lambda prefix: (len(prefix), prefix))
    number = {prefix: place for place, prefix in enumerate(nodes)}
    ancestry = np.zeros((len(nodes), len(nodes)), dtype=np.bool_)
    for prefix, place in number.items():
        for length in range(1, len(prefix) + 1):
            ancestry[place, number[prefix[:length]]] = True
    predicting = [
        number[sequence[:length]] + 1 if length else 0
        for sequence in continuations
        for length in range(len(sequence))
    ]
    lengths = [len(sequence) for sequence in continuations]
    return LabelTrie(
        tokens=np.array([prefix[-1] for prefix in nodes], dtype=np.int64),
        depths=np.array([len(prefix) for prefix in nodes], dtype=np.int64),
        ancestry=ancestry,
        predicting=np.array(predicting, dtype=np.int64),
        predicted=np.array([token for one in continuations for token in one], dtype=np.int64),
        starts=np.cumsum([0, *lengths[:-1]], dtype=np.int64),
    )

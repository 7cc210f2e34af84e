"""What a label's log-likelihood is worth beside those of shorter, longer and commoner labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Score = Literal["sum", "token", "character", "byte", "pmi"]

_LENGTHS: dict[str, Callable[[str], int]] = {
    "character": len,
    "byte": lambda text: len(text.encode("utf-8", "surrogatepass")),
}


def label_scores(
    loglikelihoods: NDArray[np.floating[Any]],
    *,
    score: Score,
    continuations: Sequence[Sequence[str]],
    tokens: NDArray[np.integer[Any]] | None = None,
    unconditional: NDArray[np.floating[Any]] | None = None,
) -> NDArray[np.float64]:
    """Returns the scores by which the labels of a row are compared.

    ``sum`` is the log-likelihood itself. ``token``, ``character`` (code points) and ``byte``
    (UTF-8) divide it by the length of the continuation. Characters and bytes are counted without
    the white space before the label, as lm-evaluation-harness does for ``acc_norm``: the choice
    counts, not the delimiter before it. ``pmi`` takes away the log-likelihood that the
    continuation has after the answer cue alone (domain-conditional PMI, Holtzman et al. 2021).

    Args:
        loglikelihoods: Shape (rows, labels), in nats; -inf past the last continuation of a row.
            These stay -inf in every score.
        score: Which score.
        continuations: Those of each row, white space before the label included.
        tokens: Shape (rows, labels): how many tokens each continuation has, 1 past the last of
            a row. ``token`` needs it.
        unconditional: Shape (labels,) or (rows, labels): log-likelihoods after the answer cue
            alone. ``pmi`` needs it.

    Returns:
        Shape (rows, labels): nats, or nats per unit of length.

    Raises:
        ValueError: What the score needs is missing, has another shape, or would make a score that
            is no number.
    """
    exact = loglikelihoods.astype(np.float64)
    if score == "sum":
        return exact
    if score == "pmi":
        return _pmi(exact, unconditional)
    if score == "token":
        return exact / _token_counts(tokens, exact.shape)
    return exact / _text_lengths(continuations, exact.shape, _LENGTHS[score])


def _pmi(
    exact: NDArray[np.float64], unconditional: NDArray[np.floating[Any]] | None
) -> NDArray[np.float64]:
    if unconditional is None or unconditional.shape not in (exact.shape, exact.shape[1:]):
        raise ValueError(f"pmi: unconditional {_shape(unconditional)}, scores {exact.shape}")
    # Past the last continuation both are -inf, and their difference would be NaN.
    prior = np.where(np.isneginf(exact), 0.0, unconditional.astype(np.float64))
    if not np.isfinite(prior).all():
        raise ValueError("pmi: a label that has a log-likelihood has none after the cue alone")
    return exact - prior


def _token_counts(
    tokens: NDArray[np.integer[Any]] | None, shape: tuple[int, ...]
) -> NDArray[np.integer[Any]]:
    if tokens is None or tokens.shape != shape or (tokens < 1).any():
        raise ValueError(f"token: tokens {_shape(tokens)} of 1 or more, scores {shape}")
    return tokens


def _text_lengths(
    continuations: Sequence[Sequence[str]], shape: tuple[int, ...], length: Callable[[str], int]
) -> NDArray[np.int64]:
    """Returns the lengths, shape (rows, labels); 1 where a continuation has none or is missing."""
    rows, labels = shape
    if len(continuations) != rows or any(len(row) > labels for row in continuations):
        raise ValueError(f"continuations of {len(continuations)} rows, scores {shape}")
    lengths = np.ones(shape, np.int64)
    for place, row in enumerate(continuations):
        lengths[place, : len(row)] = [max(length(text.lstrip()), 1) for text in row]
    return lengths


def _shape(array: NDArray[Any] | None) -> object:
    return "missing" if array is None else array.shape

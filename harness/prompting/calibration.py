"""Takes away what a model thinks of the label words themselves, whatever the input says.

The four calibrations differ only in the inputs that show what the model prefers: none, texts
without content (Zhao et al. 2021), unlabelled training texts of the task (Holtzman et al. 2021;
Fei et al. 2023), or the unlabelled test inputs (Zhou et al. 2023; transductive). All of them are
arithmetic on label scores that are computed once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from harness.core.files import sha256_bytes
from harness.core.types import Example
from harness.stats.arrays import log_softmax, softmax
from harness.tasks.splits import normalised

Calibration = Literal["none", "content_free", "domain", "batch"]
Mean = Literal["log", "probability"]
Floats = NDArray[np.floating[Any]]

CONTENT_FREE = ("N/A", "[MASK]", "")
"""The texts that Zhao et al. 2021 take for ones without content."""

MIN_DEVIATION = 1e-6
"""Nats; a label that varies less is taken for one that does not vary."""

_LOG_TEMPERATURES = (-4.0, 4.0)
_HALVINGS = 50


def offsets(scores: Floats, *, mean: Mean) -> NDArray[np.float64]:
    """Returns how much a model prefers each label before it has read what matters.

    ``log`` is the mean score of a label over the inputs (domain-conditional PMI, Holtzman et al.
    2021, with a mean over texts for the answer cue). ``probability`` is the log of its mean
    probability, where the scores of an input are made probabilities by a softmax over the labels
    (Zhao et al. 2021; Fei et al. 2023; Zhou et al. 2023).

    Both means are over the inputs that have the label. A label that none of them has gets 0, as
    one that is preferred neither more nor less than others.

    Args:
        scores: Shape (inputs, labels); -inf where an input does not have the label.
        mean: Which mean.

    Returns:
        Shape (labels,): finite, with a mean of 0 over the labels that have scores, so that
        calibrated scores stay on their scale (a constant added to all changes no answer).

    Raises:
        ValueError: There is no score at all, or one is NaN or +inf.
    """
    exact = _checked(scores)
    has = np.isfinite(exact)
    inputs = has.sum(axis=0)
    seen = inputs > 0
    if not seen.any():
        raise ValueError(f"nothing to calibrate with: scores {exact.shape}, none finite")
    if mean == "log":
        means = np.where(has, exact, 0.0).sum(axis=0)[seen] / inputs[seen]
    else:
        totals = np.logaddexp.reduce(log_softmax(exact), axis=0)
        means = totals[seen] - np.log(inputs[seen])
    found = np.zeros(exact.shape[1])
    found[seen] = means - means.mean()
    return found


def calibrate(scores: Floats, offsets: Floats) -> NDArray[np.float64]:
    """Returns the scores, shape (rows, labels), less each label's offset; -inf stays -inf.

    Raises:
        ValueError: The offsets are not one finite number for each label, or a score is NaN or
            +inf.
    """
    exact = _checked(scores)
    if offsets.shape != exact.shape[1:] or not np.isfinite(offsets).all():
        raise ValueError(f"offsets {offsets.shape}, all finite, for scores {exact.shape}")
    return np.asarray(exact - offsets, dtype=np.float64)


@dataclasses.dataclass(frozen=True, slots=True)
class Calibrator:
    """What is done to every row of scores.

    Attributes:
        offsets: Shape (labels,): taken away first; then each row's mean is.
        scales: Shape (labels,): what is left is multiplied by them.
    """

    offsets: NDArray[np.float64]
    scales: NDArray[np.float64]

    @classmethod
    def learn(cls, scores: Floats, *, mean: Mean, spread: float) -> Self:
        """Learns from the scores of the calibrating inputs, shape (inputs, labels).

        Args:
            scores: As :func:`offsets` takes them.
            mean: As there.
            spread: How much of the labels' different standard deviations over the inputs is
                evened out: 0 nothing, 1 all of it. The scores of long labels spread more, and
                win and lose more often for that alone.
        """
        learnt = offsets(scores, mean=mean)
        return cls(learnt, _scales(_centred(calibrate(scores, learnt)), spread))

    def __call__(self, scores: Floats) -> NDArray[np.float64]:
        """Returns the calibrated scores, shape (rows, labels); -inf stays -inf."""
        return _centred(calibrate(scores, self.offsets)) * self.scales


def _centred(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the scores less their row's mean: how likely the text is by itself drops out."""
    has = np.isfinite(scores)
    means = np.where(has, scores, 0.0).sum(axis=1) / np.maximum(has.sum(axis=1), 1)
    return np.asarray(scores - means[:, None], dtype=np.float64)


def _scales(centred: NDArray[np.float64], spread: float) -> NDArray[np.float64]:
    """Returns what evens out the labels' spread, shape (labels,); 1 where there is none."""
    has = np.isfinite(centred)
    inputs = np.maximum(has.sum(axis=0), 1)
    means = np.where(has, centred, 0.0).sum(axis=0) / inputs
    squares = np.where(has, centred - means, 0.0) ** 2
    deviations = np.sqrt(squares.sum(axis=0) / inputs)
    varying = deviations > MIN_DEVIATION
    if not varying.any():
        return np.ones_like(deviations)
    powers = np.where(varying, deviations, deviations[varying].mean()) ** spread
    return np.asarray(powers.mean() / powers, dtype=np.float64)


def choose_inputs(
    unlabelled: Sequence[Example],
    *,
    count: int,
    seed: int,
    text: Callable[[Example], str],
    avoid: Collection[str] = (),
) -> list[Example]:
    """Returns at most ``count`` examples to calibrate with, their labels taken away.

    Texts that are equal but for case, punctuation and white space count once; empty ones are left
    out. The choice follows from the seed and the texts alone, not from the order of the rows, and
    choices nest: the first 20 of 100 are the choice of 20.

    Args:
        unlabelled: Rows to choose from.
        count: How many are wanted.
        seed: Decides which.
        text: The text of an example.
        avoid: Normalised texts that are not to be chosen: the demonstrations', which the prompt
            answers.
    """
    by_text: dict[str, Example] = {}
    for example in sorted(unlabelled, key=lambda example: (text(example), example.row)):
        by_text.setdefault(normalised(text(example)), example)
    keys = by_text.keys() - set(avoid) - {""}
    chosen = sorted(keys, key=lambda key: _order(seed, key))[:count]
    return [by_text[key].without_target() for key in chosen]


def choose_by_labels(candidates: Mapping[str, Floats], targets: NDArray[np.integer[Any]]) -> str:
    """Returns the name of the scores by which the most labelled rows are answered right.

    Equally many: the higher mean log probability of the true label decides, then the order of the
    candidates. Without rows it is the first candidate.

    A calibration is learnt without labels, so nothing is fitted to the rows that it is judged on:
    the accuracy over all of them is what cross-validation over the same rows would give.

    Args:
        candidates: By name, the scores of labelled rows that the prompt does not show, under a
            calibration; shape (rows, labels).
        targets: Shape (rows,): the place of the true label.

    Raises:
        ValueError: No candidates, or shapes or targets that do not fit.
    """
    if not candidates:
        raise ValueError("no candidates to choose from")
    if not len(targets):
        return next(iter(candidates))

    def merit(name: str) -> tuple[int, float]:
        scores = _checked(candidates[name], targets)
        right = scores.argmax(axis=1) == targets
        return int(right.sum()), float(_of_targets(log_softmax(scores), targets).mean())

    return max(candidates, key=merit)  # the first of the best


def fit_temperature(scores: Floats, targets: NDArray[np.integer[Any]]) -> float:
    """Returns the temperature t under which softmax(scores / t) fits the targets best.

    It minimises the mean negative log-likelihood (temperature scaling, Guo et al. 2017, "On
    Calibration of Modern Neural Networks"), with log t between -4 and 4. The likelihood is convex
    in 1 / t, so its slope has one change of sign, which is found by bisection: where the expected
    score of a label equals the mean score of the true ones.

    Rows whose true label has the score -inf say nothing about t and are left out. Where nothing
    does (no rows, or all scores of a row equal) the temperature is 1. Where every row is answered
    right, no temperature is too low, and it comes out near its lower end.

    Args:
        scores: Shape (rows, labels).
        targets: Shape (rows,): the place of the true label.

    Raises:
        ValueError: Shapes or targets that do not fit, or a score that is NaN or +inf.
    """
    exact = _checked(scores, targets)
    told = np.isfinite(_of_targets(exact, targets))
    shifted = exact[told] - exact[told].max(axis=1, keepdims=True)
    finite = np.where(np.isneginf(shifted), 0.0, shifted)  # of probability 0: adds nothing
    true = _of_targets(finite, targets[told])

    def slope(log_temperature: float) -> float:
        expected = (softmax(shifted / np.exp(log_temperature)) * finite).sum(axis=1)
        return float((expected - true).sum())

    if slope(0.0) == 0:
        return 1.0
    low, high = _LOG_TEMPERATURES
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return float(np.exp((low + high) / 2))


def _checked(
    scores: Floats, targets: NDArray[np.integer[Any]] | None = None
) -> NDArray[np.float64]:
    """Returns the scores in float64, once they are known to be some and to fit the targets."""
    if scores.ndim != 2 or np.isnan(scores).any() or np.isposinf(scores).any():
        raise ValueError(f"scores {scores.shape}: expected (rows, labels), finite or -inf")
    if targets is not None:
        rows, labels = scores.shape
        if targets.shape != (rows,) or ((targets < 0) | (targets >= labels)).any():
            raise ValueError(f"targets {targets.shape} do not fit scores {scores.shape}")
    return scores.astype(np.float64)


def _of_targets(
    values: NDArray[np.float64], targets: NDArray[np.integer[Any]]
) -> NDArray[np.float64]:
    """Returns each row's value at its target, shape (rows,)."""
    return np.asarray(values[np.arange(len(targets)), targets], dtype=np.float64)


def _order(seed: int, text: str) -> str:
    # The purpose is named so that the order is not that in which test rows were drawn.
    return sha256_bytes(f"{seed}:calibration:{text}".encode("utf-8", "surrogatepass"))

"""The overlap of characters of what is written with what is right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from harness.metrics.base import Metric, ratio
from harness.metrics.scored import ScoredTexts
from harness.stats.intervals import FloatArray

ORDER = 6
RECALL_WEIGHT = 2**2
"""Recall weighs as much as precision twice over: the beta of chrF2, squared."""


class ChrF(Metric[ScoredTexts]):
    """The F-score of character n-grams, pooled over the rows (Popović 2015); 0 to 1.

    As sacrebleu's ``chrF2`` over 100: n-grams of 1 to 6 characters without white space, precision
    and recall averaged over the lengths of which both sides have any, recall counting double. Of
    several right answers the one that a row meets best is taken. A row without an answer counts as
    one that says nothing.
    """

    name = "chrf"

    def statistics(self, scored: ScoredTexts) -> FloatArray:
        """Returns the n-grams given, right and shared, of each length, and 1.

        Shape: [rows, 3 * lengths + 1].
        """
        pairs = zip(scored.golds, scored.outputs, strict=True)
        counts = [[*_best(golds, output or ""), 1.0] for golds, output in pairs]
        return np.array(counts, dtype=np.float64).reshape(-1, 3 * ORDER + 1)

    def aggregate(self, totals: FloatArray) -> FloatArray:
        """Returns the F-score of the pooled counts. Shape: [...]."""
        score = _f_score(totals[..., :-1])
        return np.where(totals[..., -1] > 0, score, np.nan)


def _best(golds: Sequence[str], output: str) -> FloatArray:
    """Returns the counts beside the right answer with the highest score; of equals the first."""
    given = _ngrams(output)
    counts = np.array([_counts(given, _ngrams(gold)) for gold in golds], dtype=np.float64)
    return np.asarray(counts[int(_f_score(counts).argmax())], dtype=np.float64)


def _ngrams(text: str) -> list[Counter[str]]:
    from sacrebleu.metrics.helpers import extract_all_char_ngrams

    found: list[Counter[str]] = extract_all_char_ngrams(text, ORDER, False)
    return found


def _counts(given: Sequence[Counter[str]], right: Sequence[Counter[str]]) -> list[int]:
    """Returns the n-grams given (where there are right ones), right and shared, side by side."""
    pairs = list(zip(given, right, strict=True))
    return [
        *(made.total() if gold else 0 for made, gold in pairs),
        *(gold.total() for _, gold in pairs),
        *((made & gold).total() for made, gold in pairs),
    ]


def _f_score(counts: FloatArray) -> FloatArray:
    """Returns the score of counts ``[..., 3 * lengths]``; 0 where nothing is shared."""
    given, right, shared = np.split(counts, 3, axis=-1)
    both = (given > 0) & (right > 0)
    lengths = both.sum(axis=-1, dtype=np.float64)
    precision, recall = (
        np.nan_to_num(ratio(np.where(both, ratio(shared, side), 0).sum(axis=-1), lengths))
        for side in (given, right)
    )
    weighed = RECALL_WEIGHT * precision + recall
    return np.nan_to_num(ratio((1 + RECALL_WEIGHT) * precision * recall, weighed))

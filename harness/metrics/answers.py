"""How well texts answer, as in SQuAD (Rajpurkar et al. 2016): the same words, or how many of them.

Before texts are compared, case, punctuation, the articles *a*, *an*, *the* and white space are
taken out, and the most favourable of the answers that count as right is taken. A text of articles
and punctuation alone would be empty then, and as good as "there is none" or as any other such
text; it is compared by its words as they stand, which SQuAD's own script does not do.
"""

from __future__ import annotations

import abc
import functools
import re
import string
from collections import Counter
from collections.abc import Sequence

import numpy as np

from harness.metrics.base import Metric, ratio
from harness.metrics.scored import ScoredTexts
from harness.stats.intervals import FloatArray

Words = tuple[str, ...]

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")


class AnswerMetric(Metric[ScoredTexts]):
    """The mean over the rows of how well the best right answer is met; 0 without an answer."""

    only_answered = False
    """Whether rows without anything to find are left out."""

    @abc.abstractmethod
    def agreement(self, gold: Words, output: Words) -> float:
        """Returns how well an answer's words meet those of a right one, from 0 to 1."""

    def statistics(self, scored: ScoredTexts) -> FloatArray:
        """Returns the agreement, and 1; both 0 for a row that is left out. Shape: [rows, 2]."""
        pairs = zip(scored.golds, scored.outputs, strict=True)
        statistics = np.array([[self._best(*pair), 1.0] for pair in pairs]).reshape(-1, 2)
        if self.only_answered:
            statistics[[not any(golds) for golds in scored.golds]] = 0
        return statistics

    def aggregate(self, totals: FloatArray) -> FloatArray:
        """Returns the mean. Shape: [...]."""
        return ratio(totals[..., 0], totals[..., 1])

    def _best(self, golds: Sequence[str], output: str | None) -> float:
        if output is None:
            return 0.0
        return max(self.agreement(words_of(gold), words_of(output)) for gold in golds)


class ExactMatch(AnswerMetric):
    """The share of the rows whose answer has the very words of a right one."""

    name = "exact_match"

    def agreement(self, gold: Words, output: Words) -> float:
        """Returns 1 for the same words in the same order, else 0."""
        return float(gold == output)


class TokenF1(AnswerMetric):
    """The mean over the rows of the F1 of an answer's words; where nothing is to find, 0 or 1."""

    name = "token_f1"

    def agreement(self, gold: Words, output: Words) -> float:
        """Returns twice the shared words over the words of both; of no words, whether both are."""
        if not gold or not output:
            return float(gold == output)
        shared = (Counter(gold) & Counter(output)).total()
        return 2 * shared / (len(gold) + len(output))


class AnsweredExactMatch(ExactMatch):
    """The exact match over the rows that have something to find."""

    name = "answered_exact_match"
    only_answered = True


class AnsweredTokenF1(TokenF1):
    """The F1 of the words over the rows that have something to find."""

    name = "answered_token_f1"
    only_answered = True


@functools.lru_cache(maxsize=2**16)
def words_of(text: str) -> Words:
    """Returns the words by which a text is compared."""
    plain = _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION))
    return tuple(plain.split() or text.lower().split())

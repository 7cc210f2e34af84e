"""chrF against sacrebleu, whose figures go to 100."""

import itertools

import numpy as np
import pytest
from sacrebleu import CHRF

from harness.metrics.chrf import ChrF
from harness.metrics.scored import ScoredTexts

LINES = [
    "Das Wetter in Zürich ist heute schön.",
    "a",
    "top-up failed",
    "卡丢了",
    "the rate is wrong",
]


def sacrebleu(scored):
    outputs = [output or "" for output in scored.outputs]
    references = list(itertools.zip_longest(*scored.golds))
    return CHRF().corpus_score(outputs, references).score / 100


def test_as_sacrebleu(texts, value_of):
    assert {len(golds) for golds in texts.golds} == {1, 2, 3}
    expected = sacrebleu(texts)
    assert 0.2 < expected < 0.9
    assert value_of(ChrF(), texts) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("gold", "output"), [*itertools.product(LINES, [*LINES, "", None])])
def test_one_row_as_sacrebleu(gold, output, value_of):
    scored = ScoredTexts(((gold,),), (output,))
    assert value_of(ChrF(), scored) == pytest.approx(sacrebleu(scored), rel=1e-12)


def test_counts_are_pooled_and_not_averaged(value_of):
    rows = [("card", "card"), ("where is my new credit card", "no idea")]
    single = [value_of(ChrF(), ScoredTexts(((gold,),), (made,))) for gold, made in rows]
    pooled = ScoredTexts(tuple((gold,) for gold, _ in rows), tuple(made for _, made in rows))
    assert value_of(ChrF(), pooled) == pytest.approx(sacrebleu(pooled), rel=1e-12)
    assert value_of(ChrF(), pooled) != pytest.approx(np.mean(single), rel=0.05)


def test_the_best_of_several_right_answers_counts(value_of):
    several = ScoredTexts((("my rate", "lost card", "a top-up"),), ("lost cart",))
    best = ScoredTexts((("lost card",),), ("lost cart",))
    assert value_of(ChrF(), several) == value_of(ChrF(), best) > 0.5


def test_nothing_said_is_0_and_no_rows_are_undefined(value_of):
    assert value_of(ChrF(), ScoredTexts((("lost card",),), (None,))) == 0.0
    assert np.isnan(value_of(ChrF(), ScoredTexts((), ())))


def test_white_space_does_not_count_and_case_does(value_of):
    assert value_of(ChrF(), ScoredTexts((("lost card",),), (" lostcard\n",))) == 1.0
    assert value_of(ChrF(), ScoredTexts((("lost card",),), ("LOST CARD",))) == 0.0

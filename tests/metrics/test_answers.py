"""Exact match and token F1 against SQuAD's own script, and by hand."""

import re
import string
from collections import Counter

import numpy as np
import pytest

from harness.metrics.answers import (
    AnsweredExactMatch,
    AnsweredTokenF1,
    ExactMatch,
    TokenF1,
    words_of,
)
from harness.metrics.scored import ScoredTexts


def one(gold, output):
    return ScoredTexts((gold if isinstance(gold, tuple) else (gold,),), (output,))


# From the official evaluation script of SQuAD 2.0 (Rajpurkar et al. 2018), evaluate-v2.0.py.


def normalize_answer(text):
    text = "".join(sign for sign in text.lower() if sign not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def compute_exact(gold, made):
    return int(normalize_answer(gold) == normalize_answer(made))


def compute_f1(gold, made):
    gold_tokens, made_tokens = normalize_answer(gold).split(), normalize_answer(made).split()
    if len(gold_tokens) == 0 or len(made_tokens) == 0:
        return int(gold_tokens == made_tokens)
    same = sum((Counter(gold_tokens) & Counter(made_tokens)).values())
    if same == 0:
        return 0
    precision, recall = same / len(made_tokens), same / len(gold_tokens)
    return 2 * precision * recall / (precision + recall)


def of_words(text):
    return not text or normalize_answer(text) != ""


def test_as_the_official_script(texts, value_of):
    """But for texts of articles alone, which the script takes for empty ones."""
    kept = [
        (golds, output)
        for golds, output in zip(texts.golds, texts.outputs, strict=True)
        if all(map(of_words, [*golds, output or ""]))
    ]
    assert len(kept) > 40
    scored = ScoredTexts(*map(tuple, zip(*kept, strict=True)))
    for metric, compute in ((ExactMatch(), compute_exact), (TokenF1(), compute_f1)):
        expected = np.mean(
            [0 if made is None else max(compute(gold, made) for gold in golds)
             for golds, made in kept]
        )  # fmt: skip
        assert 0.2 < expected < 0.9
        assert value_of(metric, scored) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The  Eiffel-Tower,\n in Paris!", "eiffeltower in paris"),
        ("an apple a day", "apple day"),
        ("theatre, Anna", "theatre anna"),
        ("$1,000.50", "100050"),
        ("don't", "dont"),
        ("ZÜRICH", "zürich"),
        ("U.S.A.", "usa"),
        ("", ""),
        (" \n", ""),
        ("a.m.", "am"),
        # Of these SQuAD leaves nothing.
        ("A", "a"),
        ("The The", "the the"),
        ("?!", "?!"),
    ],
)
def test_normalisation(text, words):
    assert " ".join(words_of(text)) == words


@pytest.mark.parametrize(
    ("gold", "output", "exact", "f1"),
    [
        ("the card", "Card.", 1, 1),
        ("lost card", "card lost", 0, 1),
        ("lost card", "my lost card", 0, 0.8),
        ("a b b c", "b b b d", 0, 4 / 7),
        ("card", "rate", 0, 0),
        ("card", "", 0, 0),
        ("card", None, 0, 0),
        ("", "", 1, 1),
        ("", "card", 0, 0),
        ("", "the", 0, 0),
        ("", None, 0, 0),
        ("A", "a", 1, 1),
        ("A", "The", 0, 0),
        (("rate", "my lost card"), "lost card", 0, 0.8),
        (("rate", "lost card"), "Rate", 1, 1),
    ],
)
def test_by_hand(gold, output, exact, f1, value_of):
    assert value_of(ExactMatch(), one(gold, output)) == exact
    assert value_of(TokenF1(), one(gold, output)) == pytest.approx(f1)


def test_answered_metrics_leave_out_rows_with_nothing_to_find(value_of):
    golds = (("",), ("",), ("lost card",), ("rate", "the rate"))
    scored = ScoredTexts(golds, ("", "x", "card", None))
    assert value_of(ExactMatch(), scored) == 1 / 4
    assert value_of(AnsweredExactMatch(), scored) == 0
    assert value_of(AnsweredTokenF1(), scored) == pytest.approx((2 / 3 + 0) / 2)
    empty = ScoredTexts((("",),), ("",))
    assert np.isnan(value_of(AnsweredExactMatch(), empty))
    assert np.isnan(value_of(AnsweredTokenF1(), empty))

import math

import numpy as np
import pytest

from harness.models.likelihood import stepwise
from harness.models.likelihood.plan import Budget, plan_batches
from harness.models.likelihood.stepwise import CachedScorer, PlainScorer
from harness.models.likelihood.tokens import TokenisedPrompt


def scored(scorer, prompts, *, rows=4):
    """What a scorer gives each prompt, and the tokens it reports: of shared parts, and of each."""
    values, shared, own = {}, [], {}
    for batch in plan_batches(prompts, Budget(tokens=64 * rows, predictions=10**6)):
        shared.append(scorer.keep(batch.shared))
        values |= dict(zip(batch.places, scorer.score(batch), strict=True))
        own |= dict(zip(batch.places, scorer.tokens_of(batch), strict=True))
    places = range(len(prompts))
    return [values[place] for place in places], shared, [own[place] for place in places]


def close(values, expected):
    return all(
        np.allclose(one, other, rtol=0, atol=1e-4)
        for one, other in zip(values, expected, strict=True)
    )


@pytest.mark.parametrize(
    "make",
    [CachedScorer, lambda model: CachedScorer(model, one_by_one=True), PlainScorer],
    ids=["cached", "one by one", "plain"],
)
def test_equals_the_definition(llama, prompts, reference, make):
    assert close(scored(make(llama), prompts)[0], reference(llama, prompts))


def test_labels_in_several_passes(llama, prompts, reference, monkeypatch):
    monkeypatch.setattr(stepwise, "SLOTS", 100)  # three labels or so
    assert close(scored(CachedScorer(llama), prompts)[0], reference(llama, prompts))


LABELS = ((9, 8, 7), (9, 8), (5,), (9, 8, 7))


def test_a_cached_text_is_run_once_and_its_labels_less_a_token(llama, tokens):
    text = tokens(30)
    asked = [TokenisedPrompt((*text[:20], place), LABELS, (8, 20)) for place in range(3)]
    asked += [TokenisedPrompt((*text[:8], place, place), LABELS, (8,)) for place in range(2)]
    _, shared, own = scored(CachedScorer(llama), asked, rows=1)
    assert shared == [[8], [0, 12]]
    assert own == [1 + 5] * 3 + [2 + 5] * 2


def test_a_part_that_is_asked_for_again_is_run_again(llama, tokens):
    """One beginning is kept at a time: the plan brings alike ones together."""
    first, second = tokens(8, seed=1), tokens(8, seed=2)
    cached = CachedScorer(llama)
    kept = [cached.keep(shared) for shared in ((first, second), (first,), (second,), (first,), ())]
    assert kept == [[8, 8], [0], [8], [8], []]


def test_plain_scoring_runs_every_label_whole(llama, tokens):
    _, shared, own = scored(PlainScorer(llama), [TokenisedPrompt(tokens(9), LABELS, (4,))])
    assert shared == [[0]]
    assert own == [4 * 9 + 2 + 1 + 0 + 2]


@pytest.mark.parametrize("make", [CachedScorer, PlainScorer])
def test_probabilities_of_all_endings_add_up_to_one(llama, make):
    """After a context, every sequence of one token or of one token and another is a label."""
    size = llama.config.vocab_size
    single = tuple((token,) for token in range(1, size))
    double = tuple((0, token) for token in range(size))
    [values], _, _ = scored(make(llama), [TokenisedPrompt((5, 6, 7), (*single, *double))])
    assert math.fsum(np.exp(values.astype(np.float64))) == pytest.approx(1, abs=1e-5)

"""What a causal LM keeps: nothing is run twice, and what cuts it short loses little."""

import numpy as np
import pytest

from harness.core.errors import UserError
from harness.models import pass_cache
from harness.models.base import PromptText
from harness.models.causal_lm import LocalCausalLM
from harness.models.likelihood.plan import Budget
from harness.models.outputs import content_key
from harness.models.resolve import resolve

LABELS = (" lost card", " lost card abroad", " top up", " exchange rate")
HEAD = "Say what the customer wants.\n\nMessage: top up with cash\nIntent: top up\n\n"
NO_MEMORY = "[enforce fail] . DefaultCPUAllocator: can't allocate memory"


def prompts(count):
    return [PromptText((HEAD, f"Message: my card {row} is lost\nIntent:")) for row in range(count)]


def score(lm, count, labels=LABELS):
    return lm.label_loglikelihoods(prompts(count), [labels] * count)


@pytest.fixture
def make_lm(tiny_causal_lm_folder, tmp_path):
    def make(cache="cache"):
        return LocalCausalLM(resolve(str(tiny_causal_lm_folder), "causal_lm"), tmp_path / cache)

    return make


def test_what_was_scored_is_not_scored_again(make_lm):
    first = make_lm()
    outputs = score(first, 3)
    tokens = first.tokens_run
    twice = first.label_loglikelihoods(prompts(3) * 2, [LABELS] * 6)
    assert twice.values.tobytes() == outputs.values.tobytes() * 2
    assert twice.costs == outputs.costs
    assert first.tokens_run == tokens
    second = make_lm()
    more = score(second, 4)
    assert second.prompts_run == 1
    assert more.values[:3].tobytes() == outputs.values.tobytes()
    assert outputs.costs.items() <= more.costs.items()  # at the price of the first computation
    again = make_lm()
    assert score(again, 4).values.tobytes() == more.values.tobytes()
    assert "engine" not in vars(again)


def test_the_same_bits_whatever_was_in_the_cache(make_lm):
    expected = score(make_lm("whole"), 7).values
    for count in (2, 5, 7):
        values = score(make_lm(), count).values
        assert values.tobytes() == expected[:count].tobytes()


def test_other_labels_are_other_outputs(make_lm):
    lm = make_lm()
    first = score(lm, 1).values
    turned = score(lm, 1, LABELS[::-1]).values
    assert lm.prompts_run == 2
    np.testing.assert_allclose(turned[:, ::-1], first, rtol=0, atol=1e-5)


@pytest.mark.parametrize("passes", [0, 1, 2, 3])
def test_an_interruption_keeps_what_was_scored(make_lm, monkeypatch, passes):
    monkeypatch.setattr(pass_cache, "FLUSH_SECONDS", 0.0)
    expected = score(make_lm("undisturbed"), 7)
    lm = make_lm()
    lm.engine.budget = Budget(tokens=40, predictions=10**6)  # two prompts a pass
    scorer, left = lm.engine.scorers.short, iter(range(passes))

    def interrupted(batch, score=scorer.score):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return score(batch)

    monkeypatch.setattr(scorer, "score", interrupted)
    with pytest.raises(KeyboardInterrupt):
        score(lm, 7)
    assert lm.prompts_run == 2 * passes
    again = make_lm()
    outputs = score(again, 7)
    assert again.prompts_run == 7 - 2 * passes
    assert outputs.values.tobytes() == expected.values.tobytes()
    assert tokens(outputs) == tokens(expected)


def tokens(outputs):
    return {key: cost.tokens for key, cost in outputs.costs.items()}


def test_long_work_is_kept_as_it_goes(make_lm, monkeypatch, tmp_path):
    monkeypatch.setattr(pass_cache, "FLUSH_SECONDS", 0.0)
    lm = make_lm()
    lm.engine.budget = Budget(tokens=0, predictions=0)
    score(lm, 4)
    assert len(list((tmp_path / "cache").rglob("*.safetensors"))) == 4 + 1  # and what they share


@pytest.mark.parametrize("what", ["loglikelihoods", "shared"])
def test_a_damaged_file_is_computed_again(make_lm, what):
    first = make_lm()
    outputs = score(first, 2)
    width = (len(LABELS),) if what == "loglikelihoods" else ()
    [file] = first._store(what, *width).folder.iterdir()
    file.write_bytes(file.read_bytes()[:-1])
    second = make_lm()
    again = score(second, 2)
    assert again.values.tobytes() == outputs.values.tobytes()
    assert tokens(again) == tokens(outputs)
    assert second.prompts_run == (2 if what == "loglikelihoods" else 1)


@pytest.fixture
def limit_rows(monkeypatch):
    """Lets a model run out of memory in passes with more rows than told."""

    def limit(lm, rows):
        forward = lm.engine.model.forward

        def limited(*args, **kwargs):
            if len(kwargs["input_ids"]) > rows:
                raise RuntimeError(NO_MEMORY)
            return forward(*args, **kwargs)

        monkeypatch.setattr(lm.engine.model, "forward", limited)

    return limit


def test_values_of_halved_passes_are_marked_for_good(make_lm, limit_rows):
    expected = score(make_lm("roomy"), 6)
    assert not expected.halved
    lm = make_lm()
    limit_rows(lm, 2)
    outputs = score(lm, 6)
    assert outputs.halved
    np.testing.assert_allclose(outputs.values, expected.values, rtol=0, atol=1e-4)
    assert tokens(outputs) == tokens(expected)
    assert lm.tokens_run == sum(tokens(expected).values())
    again = make_lm()
    read = score(again, 6)
    assert read.halved
    assert read.values.tobytes() == outputs.values.tobytes()
    assert again.prompts_run == 0
    assert score(again, 7).halved  # the seventh alone was not


def test_what_was_done_before_memory_ran_out_stays_unmarked(make_lm, limit_rows):
    score(make_lm(), 2)
    lm = make_lm()
    limit_rows(lm, 2)
    assert score(lm, 6).halved
    assert not score(lm, 2).halved


def test_one_prompt_without_memory_is_an_error_that_says_so(make_lm, limit_rows):
    lm = make_lm()
    score(lm, 1)
    limit_rows(lm, 0)
    with pytest.raises(UserError, match="not enough memory"):
        score(lm, 2)
    assert score(lm, 1).values.shape == (1, 4)  # from the cache


def test_shared_parts_keep_their_first_price(make_lm):
    first = score(make_lm(), 1)
    second = score(make_lm(), 2)
    assert second.costs[content_key(HEAD)] == first.costs[content_key(HEAD)]

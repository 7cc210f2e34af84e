"""Every architecture against the definition, however it has to be asked."""

import numpy as np
import pytest

from harness.models.likelihood.engine import Engine

WITHIN = 1e-4  # nats, in float32


def assert_close(values, expected):
    assert np.ptp(np.concatenate(expected)) > 10  # labels do differ, or this tests nothing
    for one, other in zip(values, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=WITHIN)


def kind(scorer):
    return type(scorer).__name__


def test_all_labels_in_one_pass(tree_model, prompts, reference, run):
    expected = reference(tree_model, prompts)
    engine = Engine(tree_model)
    assert {kind(engine.scorers.choose(prompt)) for prompt in prompts} == {"TreeScorer"}
    assert_close(run(engine, prompts)[0], expected)


def test_another_way_where_a_tree_would_be_wrong(stepwise_model, prompts, reference, run):
    model, ways = stepwise_model
    expected = reference(model, prompts)
    engine = Engine(model)
    assert (kind(engine.scorers.short), kind(engine.scorers.long)) == ways
    assert {kind(engine.scorers.choose(prompt)) for prompt in prompts} == set(ways)
    assert_close(run(engine, prompts)[0], expected)


def test_frequencies_that_grow_do_not_depend_on_what_was_read_before(
    make_model, prompts, reference, run
):
    model = make_model("Llama, dynamic RoPE")
    expected = reference(model, prompts)
    engine = Engine(model)
    for order in (slice(None), slice(None, None, -1), slice(5, None)):
        assert_close(run(engine, prompts[order])[0], expected[order])


@pytest.mark.parametrize(
    ("name", "one_by_one"),
    [("Mamba", True), ("Jamba", True), ("Mamba 2", False), ("Bamba", False), ("Bloom", False)],
)
def test_tokens_go_singly_only_where_they_must(make_model, name, one_by_one):
    assert Engine(make_model(name)).scorers.short.one_by_one == one_by_one


def test_the_tree_would_be_wrong_beyond_its_limit(make_model, prompts, reference, run):
    """Else the limit would be for nothing."""
    model = make_model("Mistral, window")
    long = [prompt for prompt in prompts if len(prompt.context) > 60]
    expected = reference(model, long)
    engine = Engine(model)
    engine.scorers = type(engine.scorers)(engine.scorers.short, engine.scorers.short)
    values = run(engine, long)[0]
    assert max(abs(one - other).max() for one, other in zip(values, expected, strict=True)) > 0.1

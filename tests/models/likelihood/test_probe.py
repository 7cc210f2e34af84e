import numpy as np
import pytest

from harness.models.likelihood.probe import choose_scorers, rope_limit, tolerance, window_limit
from harness.models.likelihood.stepwise import CachedScorer, PlainScorer
from harness.models.likelihood.tree import TreeScorer


@pytest.mark.parametrize("part", ["position_ids", "attention_mask"])
def test_a_model_that_silently_ignores_the_tree_is_found_out(llama, monkeypatch, part):
    forward = llama.forward

    def deaf(*args, **kwargs):
        kwargs.pop(part, None)
        return forward(*args, **kwargs)

    monkeypatch.setattr(llama, "forward", deaf)
    assert isinstance(choose_scorers(llama).short, CachedScorer)


def test_a_model_that_silently_ignores_its_cache_is_found_out(llama, monkeypatch):
    forward = llama.forward
    monkeypatch.setattr(llama, "forward", lambda *, input_ids, **_: forward(input_ids))
    scorers = choose_scorers(llama)
    assert isinstance(scorers.short, PlainScorer)
    assert isinstance(scorers.long, PlainScorer)


@pytest.mark.parametrize("error", [TypeError, ValueError, RuntimeError, NotImplementedError])
def test_a_model_that_refuses_is_asked_otherwise(llama, monkeypatch, error):
    forward = llama.forward

    def refusing(*args, **kwargs):
        if kwargs.get("past_key_values") is not None:
            raise error("no cache")
        return forward(*args, **kwargs)

    monkeypatch.setattr(llama, "forward", refusing)
    assert isinstance(choose_scorers(llama).short, PlainScorer)


def test_a_model_that_takes_a_tree_takes_it_at_any_length(llama, prompts):
    scorers = choose_scorers(llama)
    assert scorers.limit is None
    assert {type(scorers.choose(prompt)) for prompt in prompts} == {TreeScorer}


def test_the_probe_leaves_the_model_as_it_was(llama, prompts, reference):
    before = reference(llama, prompts[:2])
    choose_scorers(llama)
    np.testing.assert_array_equal(reference(llama, prompts[:2]), before)


def test_the_ways_may_differ_more_in_coarser_numbers(llama):
    import torch

    assert tolerance(llama) == pytest.approx(1e-3)
    assert tolerance(type("Half", (), {"dtype": torch.bfloat16})) > 0.1


class Config:
    def __init__(self, **settings):
        self.__dict__.update(settings)

    def get_text_config(self):
        return self


FULL, SLIDING, CHUNKED = "full_attention", "sliding_attention", "chunked_attention"


@pytest.mark.parametrize(
    ("settings", "limit"),
    [
        ({}, None),
        ({"sliding_window": None}, None),
        ({"sliding_window": 4096}, 4096),
        ({"layer_types": [FULL, FULL]}, None),
        ({"layer_types": [FULL, FULL], "sliding_window": 4096}, None),
        ({"layer_types": [FULL, SLIDING], "sliding_window": 512}, 512),
        ({"layer_types": [FULL, CHUNKED], "attention_chunk_size": 8192}, 8192),
        ({"layer_types": [FULL, FULL], "attention_chunk_size": 8192}, 8192),
        ({"sliding_window": 512, "attention_chunk_size": 256}, 256),
        ({"window_size": 256}, 256),
        ({"attention_layers": ["global", "local"], "window_size": 256}, 0),
        ({"layer_types": [FULL, "linear_attention"]}, 0),
        ({"layer_types": ["something new"]}, 0),
    ],
)
def test_how_far_back_every_layer_sees(settings, limit):
    assert window_limit(Config(**settings)) == limit


@pytest.mark.parametrize(
    ("settings", "limit"),
    [
        ({}, None),
        ({"rope_parameters": None}, None),
        ({"rope_parameters": {"rope_type": "default"}}, None),
        ({"rope_parameters": {"rope_type": "llama3", "factor": 8.0}}, None),
        ({"rope_parameters": {"rope_type": "dynamic"}}, 64),
        ({"rope_parameters": {FULL: {"rope_type": "dynamic"}, SLIDING: {}}}, 64),
        (
            {
                "rope_parameters": {"rope_type": "longrope"},
                "original_max_position_embeddings": 32,
            },
            32,
        ),
        (
            {
                "rope_parameters": {
                    "rope_type": "longrope",
                    "original_max_position_embeddings": 16,
                },
            },
            16,
        ),
    ],
)
def test_how_long_frequencies_stay_the_same(settings, limit):
    assert rope_limit(Config(max_position_embeddings=64, **settings)) == limit

import numpy as np
import pytest

from harness.models.likelihood.plain import PlainScorer
from harness.models.likelihood.probe import choose_scorer, is_same_at_any_length, tolerance
from harness.models.likelihood.tree import TreeScorer


def test_a_tree_where_the_model_takes_one(tree_model):
    assert isinstance(choose_scorer(tree_model), TreeScorer)


def test_one_label_at_a_time_elsewhere(plain_model, make_prompt):
    scorer = choose_scorer(plain_model)
    assert isinstance(scorer, PlainScorer)
    changes = getattr(plain_model.config, "rope_parameters", None) or {}
    short = (
        changes.get("rope_type") == "dynamic"
    )  # beyond its limit a step changes the steps before
    prompt = make_prompt(length=9 if short else 40, labels=3)
    values, _ = scorer.score(prompt)
    for label, value in zip(prompt.continuations, values, strict=True):
        assert value == pytest.approx(step_by_step(plain_model, prompt.context, label), abs=1e-3)


def step_by_step(model, context, label):
    import torch

    total = 0.0
    for place, token in enumerate(label):
        ids = torch.tensor([[*context, *label[:place]]])
        with torch.inference_mode():
            logits = model(input_ids=ids, use_cache=False).logits[0, -1]
        total += logits.double().log_softmax(-1)[token].item()
    return total


@pytest.mark.parametrize("part", ["position_ids", "attention_mask"])
def test_a_model_that_silently_ignores_the_tree_is_found_out(llama, monkeypatch, part):
    forward = llama.forward

    def deaf(*args, **kwargs):
        kwargs.pop(part, None)
        return forward(*args, **kwargs)

    monkeypatch.setattr(llama, "forward", deaf)
    assert isinstance(choose_scorer(llama), PlainScorer)


def test_the_two_ways_may_differ_more_in_coarser_numbers(llama):
    import torch

    assert tolerance(llama) == pytest.approx(1e-3)
    assert tolerance(type("Half", (), {"dtype": torch.bfloat16})) > 0.1


class Config:
    def __init__(self, **settings):
        self.__dict__.update(settings)

    def get_text_config(self):
        return self


@pytest.mark.parametrize(
    ("settings", "same"),
    [
        ({}, True),
        ({"sliding_window": None}, True),
        ({"sliding_window": 4096}, False),
        ({"layer_types": ["full_attention", "full_attention"]}, True),
        ({"layer_types": ["full_attention", "chunked_attention"]}, False),
        ({"attention_chunk_size": 8192}, False),
        ({"window_size": 256}, False),
        ({"rope_parameters": None}, True),
        ({"rope_parameters": {"rope_type": "llama3", "factor": 8.0}}, True),
        ({"rope_parameters": {"rope_type": "longrope"}}, False),
        ({"rope_parameters": {"full_attention": {"rope_type": "dynamic"}}}, False),
    ],
)
def test_what_only_long_prompts_would_show(settings, same):
    assert is_same_at_any_length(Config(**settings)) == same


def test_the_probe_leaves_the_model_as_it_was(llama, make_prompt):
    prompt = make_prompt()
    before, _ = PlainScorer(llama).score(prompt)
    choose_scorer(llama)
    np.testing.assert_array_equal(PlainScorer(llama).score(prompt)[0], before)

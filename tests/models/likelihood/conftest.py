"""Prompts for tiny causal LMs of many architectures, and what they should score."""

import copy

import numpy as np
import pytest

from harness.models.likelihood.tokens import TokenisedPrompt


@pytest.fixture(scope="session")
def labels(tokens):
    """Labels that branch, that begin other labels, that are alike, and of one token."""
    # A small alphabet, so that many begin alike.
    many = tuple(tokens(1 + seed % 4, seed=seed, of=9) for seed in range(10))
    return (*many, (*many[3], 7), many[2][:2], many[0], (5,), (5, 5), (5, 5, 5), (100, 101))


@pytest.fixture(scope="session")
def prompts(tokens, labels):
    """Prompts of many lengths, some of which share one part or two; one has labels of its own."""
    head, shown, long = tokens(8, seed=1), tokens(10, seed=2), tokens(70, seed=3)
    return [
        *(TokenisedPrompt((*head, *shown, *tokens(count, seed=count)), labels, (8, 18))
          for count in (3, 9, 10, 12, 30, 80)),
        *(TokenisedPrompt((*head, *tokens(count, seed=count)), labels, (8,)) for count in (4, 7)),
        TokenisedPrompt(tokens(1), labels),
        TokenisedPrompt(long[:30], labels[:1]),
        TokenisedPrompt(long[:45], labels[10:15]),
        TokenisedPrompt(long, ((5,), (9,))),
    ]  # fmt: skip


@pytest.fixture(scope="session")
def reference():
    """Scores prompts by the definition: every label by itself, the whole text each time."""
    import torch

    def score(model, prompt):
        values = []
        for label in prompt.continuations:
            # A rotary embedding that grows with the text remembers the longest one.
            grows = "dynamic" in str(getattr(model.config, "rope_parameters", None))
            fresh = copy.deepcopy(model) if grows else model
            ids = torch.tensor([[*prompt.context, *label]])
            with torch.inference_mode():
                logits = fresh(ids[:, :-1], use_cache=False).logits[0, -len(label) :]
            values.append(logits.double().log_softmax(-1)[range(len(label)), list(label)].sum())
        return np.array(values)

    return lambda model, prompts: [score(model, prompt) for prompt in prompts]


@pytest.fixture(scope="session")
def run():
    """Runs prompts through an engine; returns their scores in order, and what was reported."""

    def scores(engine, prompts):
        reported = list(engine.run(prompts))
        values = {}
        for scored in reported:
            values |= dict(zip(scored.places, scored.values, strict=True))
        assert sorted(values) == list(range(len(prompts)))
        return [values[place] for place in range(len(prompts))], reported

    return scores

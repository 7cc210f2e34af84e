"""Prompts for tiny causal LMs of many architectures, and what they should write."""

import copy

import pytest

from harness.models.generation.engine import TextEngine
from harness.models.generation.reading import end_tokens
from harness.models.likelihood.engine import Engine
from harness.models.likelihood.tokens import TokenisedPrompt

MAX_TOKENS = 9


class Numbers:
    """A tokenizer that shows every token by its number."""

    eos_token_id = None

    def __init__(self):
        self.added_tokens_decoder = {}

    def decode(self, ids, **_):
        return "".join(f"<{number}>" for number in ids)


@pytest.fixture
def prompts(tokens):
    """Prompts of many lengths; some share one part or two, one is a single token."""
    head, shown = tokens(8, seed=1), tokens(6, seed=2)
    return [
        *(TokenisedPrompt((*head, *shown, *tokens(count, seed=count)), (), (8, 14))
          for count in (3, 4, 5, 9, 66)),
        TokenisedPrompt((*head, *tokens(4, seed=4)), (), (8,)),
        TokenisedPrompt(tokens(1), ()),
        TokenisedPrompt(tokens(50), ()),
    ]  # fmt: skip


@pytest.fixture
def make_engine():
    def make(model):
        return TextEngine(Engine(model), Numbers())

    return make


@pytest.fixture
def write():
    """Has an engine write after prompts; returns the texts in order, and what was reported."""

    def texts(engine, prompts, *, stop=(), max_tokens=MAX_TOKENS):
        reported = list(engine.run(prompts, stop=stop, max_tokens=max_tokens))
        values = {}
        for passed in reported:
            assert len(passed.places) == len(passed.values) == len(passed.costs)
            values |= dict(zip(passed.places, passed.values, strict=True))
        assert sorted(values) == list(range(len(prompts)))
        return [values[place] for place in range(len(prompts))], reported

    return texts


@pytest.fixture
def by_definition():
    """Writes by the definition: the whole text is read anew for every token.

    To be asked before an engine is made, which changes the model.
    """
    import torch

    def write(model, prompt, ends):
        fresh, ids = copy.deepcopy(model), list(prompt.context)
        for _ in range(MAX_TOKENS):
            with torch.inference_mode():
                logits = fresh(torch.tensor([ids]), use_cache=False).logits[0, -1]
            ids.append(int(logits.argmax()))
            if ids[-1] in ends:
                break
        return ids[len(prompt.context) :]

    return written_by(write)


@pytest.fixture
def by_transformers():
    """Writes as transformers does by itself; to be asked before an engine is made."""
    import torch

    def write(model, prompt, ends):
        ids = torch.tensor([prompt.context])
        written = copy.deepcopy(model).generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=MAX_TOKENS,
            eos_token_id=sorted(ends) or None, pad_token_id=0,
        )  # fmt: skip
        return written[0, len(prompt.context) :].tolist()

    return written_by(write)


def written_by(write):
    def texts(model, prompts):
        ends = end_tokens(model, Numbers())
        written = [write(model, prompt, ends) for prompt in prompts]
        return [Numbers().decode([token for token in ids if token not in ends]) for ids in written]

    return texts

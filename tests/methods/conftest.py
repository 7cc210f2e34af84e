"""What a cell gives a method, made from the tiny task and the tiny models."""

import pytest

from harness.methods.base import Context
from harness.methods.spec import parse_method
from harness.models.meter import Meter, MeteredCausalLM, MeteredEncoder
from harness.prompts.template import load_prompt


@pytest.fixture(scope="module")
def models(tiny_causal_lm_folder, tiny_encoder_folder, tmp_path_factory):
    """The two tiny models behind one cache for all tests of a file."""
    from harness.models.causal_lm import LocalCausalLM
    from harness.models.encoder import LocalEncoder
    from harness.models.resolve import resolve

    cache = tmp_path_factory.mktemp("outputs")
    return {
        "causal_lm": LocalCausalLM(resolve(str(tiny_causal_lm_folder), "causal_lm"), cache),
        "encoder": LocalEncoder(resolve(str(tiny_encoder_folder), "encoder"), cache),
    }


@pytest.fixture
def make_context(models, tiny_task):
    """Gives the context of a cell; only what the method's entry asks for is in it."""

    def make(entry, *, seed=0, labels=None, prompt="intent_v1"):
        meter = Meter()
        lm = MeteredCausalLM(models["causal_lm"], meter) if entry.model == "causal_lm" else None
        encoder = MeteredEncoder(models["encoder"], meter) if entry.model == "encoder" else None
        return Context(
            labels=tiny_task.labels if labels is None else labels,
            text=tiny_task.text,
            seed=seed,
            meter=meter,
            encoder=encoder,
            causal_lm=lm,
            prompt=load_prompt(prompt) if "prompt" in entry.uses else None,
        )

    return make


@pytest.fixture
def fit(make_context, tiny_task):
    """Fits a method as it is written: ``fit("few_shot:k=2", train, seed=1)``."""

    def fitted(text, train=None, **changes):
        spec = parse_method(text)
        rows = tiny_task.train if train is None else train
        return spec.build().fit(rows, (), make_context(spec.entry, **changes))

    return fitted


@pytest.fixture
def test_rows(tiny_task):
    """The test rows as methods see them."""
    return [example.without_target() for example in tiny_task.test]

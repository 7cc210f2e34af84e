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
    """Gives the context of a cell; only what the method with its settings asks for is in it."""

    def make(spec, *, seed=0, labels=None, prompt="intent_v1", test=None):
        meter = Meter()
        has = {
            "causal_lm": MeteredCausalLM(models["causal_lm"], meter),
            "encoder": MeteredEncoder(models["encoder"], meter),
        }
        rows = [example.without_target() for example in tiny_task.test] if test is None else test
        return Context(
            labels=tiny_task.labels if labels is None else labels,
            rules=tiny_task.rules,
            seed=seed,
            meter=meter,
            **{kind: has[kind] for kind in spec.models},
            prompt=load_prompt(prompt) if "prompt" in spec.uses else None,
            test_blocks=[rows[:3], rows[3:]] if "test_inputs" in spec.uses else (),
        )

    return make


@pytest.fixture
def fit(make_context, tiny_task):
    """Fits a method as it is written: ``fit("few_shot:k=2", train, seed=1)``."""

    def fitted(text, train=None, unlabelled=None, **changes):
        spec = parse_method(text)
        rows = tiny_task.train if train is None else train
        texts = tiny_task.unlabelled_texts() if unlabelled is None else unlabelled
        given = texts if "unlabelled" in spec.uses else ()
        return spec.build().fit(rows, given, make_context(spec, **changes))

    return fitted


@pytest.fixture
def read_prompts(models, monkeypatch):
    """Collects the prompts that the causal LM is asked about."""
    model, asked = models["causal_lm"], []
    score = model.label_loglikelihoods

    def watched(prompts, continuations):
        asked.extend(prompts)
        return score(prompts, continuations)

    monkeypatch.setattr(model, "label_loglikelihoods", watched)
    return asked


@pytest.fixture
def test_rows(tiny_task):
    """The test rows as methods see them."""
    return [example.without_target() for example in tiny_task.test]

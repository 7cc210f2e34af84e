"""Every architecture against the definition, and some against transformers' own generation."""

import pytest

from harness.models.generation import engine as module
from harness.models.generation.probe import takes_steps
from harness.models.likelihood.tokens import TokenisedPrompt

BATCHED, SINGLE = "BatchWriter", "SingleWriter"
MAX_TOKENS = 9


def ways(engine, prompts):
    return [type(engine.choose(prompt, MAX_TOKENS)).__name__ for prompt in prompts]


def test_texts_generated_together(tree_model, prompts, make_engine, write, by_definition):
    expected = by_definition(tree_model, prompts)
    engine = make_engine(tree_model)
    assert set(ways(engine, prompts)) == {BATCHED}
    texts, _ = write(engine, prompts)
    assert texts == expected
    assert len(set(texts)) > len(texts) // 2  # they do differ, or this tests nothing


# A rotary embedding that grows with the text has left keys of shorter ones in the cache, so that
# transformers' own texts are not those of the definition.
def test_one_by_one_where_they_must_be(
    request, stepwise_model, prompts, make_engine, write, by_definition, by_transformers
):
    model, (short, _) = stepwise_model
    name = request.node.name
    reference = by_transformers if "dynamic" in name else by_definition
    expected = reference(model, prompts)
    engine = make_engine(model)
    some_fit = short == "TreeScorer" and "Llama 4" not in name  # which counts empty slots
    assert set(ways(engine, prompts)) == ({BATCHED, SINGLE} if some_fit else {SINGLE})
    texts, _ = write(engine, prompts)
    assert texts == expected
    assert write(engine, prompts[::-1])[0] == texts[::-1]


@pytest.mark.parametrize("name", ["Llama", "GPT-2", "Qwen3", "Mistral, window", "Bloom", "Mamba"])
def test_equals_transformers(make_model, prompts, make_engine, write, by_transformers, name):
    model = make_model(name)
    expected = by_transformers(model, prompts)
    engine = make_engine(model)
    assert engine.ends == {2}
    assert write(engine, prompts)[0] == expected


def test_how_long_a_text_may_become_decides(make_model, make_engine, tokens):
    engine = make_engine(make_model("Mistral, window"))
    prompt = TokenisedPrompt(tokens(21), (), (10,))  # 12 slots for 11 tokens
    assert engine.choose(prompt, 18) is engine.batched
    assert engine.choose(prompt, 19) is engine.single


def test_empty_slots_count_where_a_layer_looks_at_slots(make_model, make_engine, tokens):
    engine = make_engine(make_model("Llama 4, chunks"))
    assert engine.choose(TokenisedPrompt(tokens(9), ()), 1) is engine.single  # 64 slots


def test_the_models_own_settings_are_put_aside(make_model, prompts, make_engine, write):
    plain = write(make_engine(make_model("Bloom")), prompts)[0]
    model = make_model("Bloom")
    model.generation_config.update(
        do_sample=True, temperature=9.0, repetition_penalty=5.0, min_new_tokens=9
    )
    assert write(make_engine(model), prompts)[0] == plain


@pytest.mark.parametrize("name", ["Llama", "GPT-2"])
@pytest.mark.parametrize("part", ["attention_mask", "position_ids"])
def test_a_model_that_cannot_go_on_in_batches_is_found_out(
    make_model, make_engine, prompts, write, by_definition, monkeypatch, name, part
):
    """It takes a tree, and does something else of its own for single tokens."""
    model = make_model(name)
    expected = by_definition(model, prompts)
    forward = model.forward

    def deaf(*args, **kwargs):
        if kwargs["input_ids"].shape[1] == 1 and len(kwargs["input_ids"]) > 1:
            kwargs.pop(part, None)
        return forward(*args, **kwargs)

    monkeypatch.setattr(model, "forward", deaf)
    engine = make_engine(model)
    assert set(ways(engine, prompts)) == {SINGLE}
    assert write(engine, prompts)[0] == expected


def test_a_model_that_refuses_is_asked_otherwise(make_model, make_engine, prompts, monkeypatch):
    def refuse(*_):
        raise NotImplementedError

    monkeypatch.setattr("harness.models.generation.rows.Rows.forward", refuse)
    assert set(ways(make_engine(make_model("Llama")), prompts)) == {SINGLE}


def test_a_model_that_takes_no_tree_is_not_probed(make_model, make_engine, monkeypatch):
    monkeypatch.setattr(module, "takes_steps", lambda _: 1 / 0)
    make_engine(make_model("Bloom"))


def test_the_probe_sees_agreement(make_model, make_engine):
    assert takes_steps(make_engine(make_model("Gemma 2, window")).batched)

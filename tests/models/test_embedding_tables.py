"""A token or a place without an embedding is never looked up."""

import json
import shutil

import numpy as np
import pytest

from harness.core.errors import ModelError
from harness.models.base import PromptText
from harness.models.causal_lm import LocalCausalLM
from harness.models.derived import parse_derived
from harness.models.embedding_tables import places_of
from harness.models.encoder import LocalEncoder, token_limit
from harness.models.resolve import resolve
from harness.training.adaptation import adapt_by_simcse, adapt_language_model
from harness.training.backbone import Backbone
from harness.training.deriving import derive
from harness.training.loop import Recipe

LONG = ["what is the rate " * 60, "card"]
MESSAGE = r"'<order>' the number \d+, and the model has embeddings for \d+ tokens"


@pytest.fixture
def add_token(tmp_path):
    """Copies a model with a token added to its tokenizer, and not to its embeddings."""

    def add(folder):
        from transformers import AutoTokenizer

        copy = shutil.copytree(folder, tmp_path / "model")
        tokenizer = AutoTokenizer.from_pretrained(folder)
        tokenizer.add_tokens([f"<filler {number}>" for number in range(100)])
        tokenizer.add_tokens("<order>")
        tokenizer.save_pretrained(copy)
        return copy

    return add


@pytest.fixture
def encoder(add_token, tiny_encoder_folder, tmp_path):
    folder = add_token(tiny_encoder_folder)
    return LocalEncoder(resolve(str(folder), "encoder"), tmp_path / "cache")


@pytest.fixture
def lm(add_token, tiny_causal_lm_folder, tmp_path):
    folder = add_token(tiny_causal_lm_folder)
    return LocalCausalLM(resolve(str(folder), "causal_lm"), tmp_path / "cache")


def test_an_encoder_reads_texts_without_the_token(encoder):
    assert len(encoder.encode(["my card is lost"]).values) == 1
    with pytest.raises(ModelError, match=MESSAGE):
        encoder.encode(["my card is lost", "where is <order>"])


def test_an_encoder_that_is_adapted(encoder):
    with pytest.raises(ModelError, match=MESSAGE):
        adapt_by_simcse(
            Backbone(encoder.load()), ["where is <order>", "my card"], recipe=Recipe(epochs=1),
            temperature=0.05, seed=0,
        )  # fmt: skip


def test_a_causal_lm_scores_prompts_without_the_token(lm):
    labels = [[" lost card", " top up"]]
    assert lm.label_loglikelihoods([PromptText(("my card",))], labels).values.shape == (1, 2)
    with pytest.raises(ModelError, match=MESSAGE):
        lm.label_loglikelihoods([PromptText(("where is <order>",))], labels)
    with pytest.raises(ModelError, match=MESSAGE):
        lm.label_loglikelihoods([PromptText(("where",))], [[" lost card", " <order>"]])
    with pytest.raises(ModelError, match=MESSAGE):
        lm.generate([PromptText(("where is <order>",))], stop=["\n"], max_tokens=2)


def test_a_causal_lm_that_is_adapted(lm):
    with pytest.raises(ModelError, match=MESSAGE):
        adapt_language_model(
            lm.engine.model, lm.tokenizer, ["where is <order>", "my card"], masked=False,
            limit=16, recipe=Recipe(epochs=1), seed=0,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "places"),
    [("BertModel", 64), ("RobertaModel", 65), ("DistilBertModel", 64), ("GPT2LMHeadModel", 64),
     ("OPTForCausalLM", 64), ("ModernBertModel", None), ("LlamaForCausalLM", None)],
)  # fmt: skip
def test_how_many_places_a_model_has(save_architecture, name, places):
    assert places_of(save_architecture(name)[0]) == places


def unlimited(folder, copy):
    """Returns a copy of a model's folder whose tokenizer cuts nothing."""
    shutil.copytree(folder, copy)
    file = copy / "tokenizer_config.json"
    config = json.loads(file.read_text())
    config.pop("model_max_length", None)
    file.write_text(json.dumps(config))
    return copy


@pytest.mark.parametrize("name", ["BertModel", "RobertaModel", "GPT2LMHeadModel"])
def test_a_text_longer_than_the_places_is_cut_at_them(save_architecture, tmp_path, name):
    model, folder = save_architecture(name)
    folder = unlimited(folder, tmp_path / "model")
    encoder = LocalEncoder(resolve(str(folder), "encoder"), tmp_path / "cache")
    assert token_limit(encoder.load()) == places_of(model)
    found = encoder.encode(LONG)
    assert np.isfinite(found.values).all()
    assert found.shortened == 1


def test_a_causal_lm_is_adapted_on_no_more_than_its_places(save_architecture, tmp_path):
    folder = unlimited(save_architecture("GPT2LMHeadModel")[1], tmp_path / "model")
    base = resolve(str(folder), "causal_lm")
    derived = parse_derived("adapted(m,min_steps=1)")
    made = derive(base, derived, LONG, identity="adapted:long", name="made")
    assert 64 < made.cost.tokens < 2 * 64

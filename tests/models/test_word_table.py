"""A token that was added to the tokenizer alone is told of, before it is looked up."""

import shutil

import pytest

from harness.core.errors import ModelError
from harness.models.base import PromptText
from harness.models.causal_lm import LocalCausalLM
from harness.models.encoder import LocalEncoder
from harness.models.resolve import resolve
from harness.training.adaptation import adapt_by_simcse, adapt_language_model
from harness.training.backbone import Backbone
from harness.training.loop import Recipe

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

"""Encoders of several architectures, and a causal LM, are encoded with and trained alike."""

import dataclasses

import numpy as np
import pytest
import torch

from harness.core.errors import HarnessError
from harness.methods.spec import parse_method
from harness.models.encoder import LocalEncoder
from harness.models.meter import Meter, MeteredEncoder
from harness.models.resolve import resolve
from harness.training.attempts import Attempt, save_memory
from harness.training.backbone import Backbone
from harness.training.weights import add_low_rank, train_last_layers, transformer_of

ARCHITECTURES = (
    "BertModel", "RobertaModel", "DistilBertModel", "DebertaV2Model", "ModernBertModel",
    "LlamaForCausalLM", "GPT2LMHeadModel",
)  # fmt: skip
TRAINED = {
    "fine_tune": "fine_tune:learning_rate=3e-3,min_steps=60",
    "last_layers": "last_layers:learning_rate=3e-3,min_steps=60",
    "lora": "lora:learning_rate=1e-2,min_steps=60",
    "contrastive": "contrastive:learning_rate=3e-3,min_steps=60",
}


@pytest.fixture(scope="module", params=ARCHITECTURES)
def folder(request, save_architecture):
    """A folder as transformers writes it."""
    return save_architecture(request.param)[1]


@pytest.fixture
def encoder(folder, tmp_path):
    return LocalEncoder(resolve(str(folder), "encoder"), tmp_path)


def test_vectors_are_sentence_transformers(encoder, folder, tiny_task):
    from sentence_transformers import SentenceTransformer

    texts = [tiny_task.text(example) for example in tiny_task.train]
    theirs = SentenceTransformer(str(folder), device="cpu").encode(texts)
    np.testing.assert_allclose(encoder.encode(texts).values, theirs, rtol=0, atol=1e-4)


@pytest.fixture
def train(encoder, make_context, tiny_task):
    """Gives the predictions of a trained method for its own budget, and what it noted."""

    def train(text):
        spec = parse_method(text)
        meter = Meter()
        context = dataclasses.replace(
            make_context(spec), encoder=MeteredEncoder(encoder, meter), meter=meter
        )
        method = spec.build().fit(tiny_task.train, (), context)
        return method.predict([row.without_target() for row in tiny_task.train]), meter.notes

    return train


@pytest.mark.parametrize("text", TRAINED.values(), ids=TRAINED)
def test_every_training_learns_the_budget(train, tiny_task, text):
    found, notes = train(text)
    right = [one.output == row.target for one, row in zip(found, tiny_task.train, strict=True)]
    assert np.mean(right) > 0.9
    assert not notes


@pytest.mark.parametrize("method", TRAINED)
def test_training_that_saves_memory_learns_the_same(train, monkeypatch, method):
    short = f"{method}:epochs=1,min_steps=8"
    expected, _ = train(short)
    embed, failures = Backbone.embed, [torch.OutOfMemoryError("out of memory")]

    def embed_after_a_failure(backbone, ids):
        if failures:
            raise failures.pop()
        return embed(backbone, ids)

    monkeypatch.setattr(Backbone, "embed", embed_after_a_failure)
    found, notes = train(short)
    assert len(notes) == 1
    assert "gradient checkpointing" in notes[0]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.probabilities, other.probabilities, rtol=0, atol=1e-4)


def test_more_layers_than_there_are_cannot_be_trained(train):
    with pytest.raises(HarnessError, match="with 3 layers has no last 4"):
        train("last_layers:layers=4")


def test_layers_that_share_their_weights_cannot_be_trained_apart():
    from transformers import AlbertConfig, AlbertModel

    small = {"vocab_size": 30, "embedding_size": 8, "hidden_size": 32, "num_attention_heads": 4}
    with pytest.raises(HarnessError, match="share their weights"):
        train_last_layers(AlbertModel(AlbertConfig(**small, num_hidden_layers=3)), 2)


def test_what_every_layer_of_a_deberta_reads_is_frozen(save_architecture):
    model, _ = save_architecture("DebertaV2Model")
    train_last_layers(model, 1)
    trained = {name for name, one in model.named_parameters() if one.requires_grad}
    assert trained
    assert all(name.startswith("encoder.layer.2.") for name in trained)


def test_low_rank_products_leave_all_other_weights(tiny_encoder):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Dense

    encoder = tiny_encoder.load()
    encoder = SentenceTransformer(modules=[*encoder, Dense(32, 16)])
    merge = add_low_rank(encoder, rank=2, alpha=4, seed=0)
    trained = {name for name, one in encoder.named_parameters() if one.requires_grad}
    assert trained
    assert all("lora_" in name for name in trained)
    merge()


def test_an_encoder_without_layers():
    from transformers import PreTrainedConfig, PreTrainedModel

    class Flat(PreTrainedModel):
        config_class = PreTrainedConfig

    with pytest.raises(HarnessError, match="no layers were found in a Flat"):
        train_last_layers(Flat(PreTrainedConfig()), 1)


def test_memory_cannot_be_saved_in_every_model(tiny_encoder):
    encoder = tiny_encoder.load()
    transformer_of(encoder).supports_gradient_checkpointing = False
    save_memory(encoder, Attempt())
    with pytest.raises(HarnessError, match=r"(?s)BertModel cannot compute.*batch_size=4"):
        save_memory(encoder, Attempt(checkpointing=True))

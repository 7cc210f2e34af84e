"""Encoders that are adapted as language models: by hidden words, or word after word."""

import numpy as np
import pytest
import torch

from harness.models.derived import parse_derived
from harness.models.encoder import LocalEncoder, load_encoder
from harness.models.resolve import resolve
from harness.training import adaptation
from harness.training.adaptation import IGNORED, LanguageModelLoss, _mask
from harness.training.deriving import _take_weights, _with_words, derive
from harness.training.loop import seeded
from harness.training.weights import transformer_of

TEXTS = ["my card is lost", "card gone", "top up please", "add money", "what is the rate"] * 4
ARCHITECTURES = (
    "BertForMaskedLM", "RobertaForMaskedLM", "DistilBertForMaskedLM", "DebertaV2ForMaskedLM",
    "ModernBertForMaskedLM", "LlamaForCausalLM",
)  # fmt: skip


@pytest.fixture(scope="module", params=ARCHITECTURES)
def language_model(request, save_architecture):
    """A language model, and the folder that holds it as transformers writes it."""
    return save_architecture(request.param)


@pytest.fixture
def masked(language_model):
    return "MaskedLM" in type(language_model[0]).__name__


def test_training_goes_on_with_the_head_of_the_checkpoint(language_model, masked):
    model, folder = language_model
    transformer = transformer_of(load_encoder(folder))
    with torch.no_grad():
        next(iter(transformer.parameters())).add_(1)  # as after being adapted once already
    found = _with_words(transformer, masked=masked)
    inner = {id(weight) for weight in found.base_model.parameters()}
    head = [name for name, weight in found.named_parameters() if id(weight) not in inner]
    assert head
    for name in head:
        assert torch.equal(found.get_parameter(name), model.get_parameter(name)), name
    for name, weight in transformer.named_parameters():
        if not name.startswith("pooler"):
            assert torch.equal(found.base_model.get_parameter(name), weight), name


def test_where_the_device_has_bfloat16_matrices_are_multiplied_in_it(
    language_model, masked, monkeypatch
):
    model, folder = language_model
    tokenizer = load_encoder(folder).tokenizer
    loss = LanguageModelLoss(model.eval(), tokenizer, tokenizer(TEXTS)["input_ids"], masked=masked)
    found = []
    for half in (False, True):
        monkeypatch.setattr(adaptation, "half_precision", lambda _, half=half: half)
        with seeded(0), torch.no_grad():
            found.append(loss(range(len(TEXTS))).item())
    assert found[0] != found[1]
    assert found[0] == pytest.approx(found[1], rel=0.05)


def test_an_adapted_encoder_is_better_at_it(language_model, masked, cache):
    _, folder = language_model
    base = resolve(str(folder), "encoder")
    objective = "masked_lm" if masked else "causal_lm"
    derived = parse_derived(f"adapted(m,objective={objective},batch_size=8,learning_rate=3e-3)")
    identity = derived.identity(base.identity, base.kind, "texts")
    made = derive(base, derived, TEXTS, identity=identity, name="made")
    assert made.notes == ()
    assert made.cost.tokens > 0
    before, after = (_loss(model.folder, folder, masked=masked) for model in (base, made.model))
    assert after < 0.95 * before
    vectors = [LocalEncoder(one, cache).encode(TEXTS[:5]).values for one in (base, made.model)]
    assert np.abs(vectors[0] - vectors[1]).max() > 1e-3


def _loss(folder, base_folder, *, masked):
    """Returns the loss of an encoder's transformer with the head that it had at first."""
    from harness.training.adaptation import LanguageModelLoss

    encoder = load_encoder(folder)
    transformer = transformer_of(encoder)
    model = _with_words(transformer_of(load_encoder(base_folder)), masked=masked)
    _take_weights(model.base_model, transformer)
    ids = encoder.tokenizer(TEXTS[:5])["input_ids"]
    loss = LanguageModelLoss(model.eval(), encoder.tokenizer, ids, masked=masked)
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(0)
        return np.mean([float(loss(range(5))) for _ in range(20)])


def test_words_come_from_the_table_and_some_are_always_hidden(make_tokenizer):
    special = {"cls_token": "<s>", "sep_token": "</s>", "mask_token": "<mask>"}
    tokenizer = make_tokenizer(before="<s>", after="</s>", special=special)
    ids = torch.tensor([tokenizer("lost card")["input_ids"]] * 400)
    features = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    hidden, wanted = _mask(features, tokenizer, 10)
    chosen = wanted != IGNORED
    assert torch.equal(wanted[chosen], ids[chosen])
    assert torch.equal(hidden[~chosen], ids[~chosen])
    other = chosen & (hidden != ids) & (hidden != tokenizer.mask_token_id)
    assert other.any()
    assert hidden[other].max() < 10
    special_ids = torch.tensor(tokenizer.all_special_ids)
    assert not torch.isin(ids[chosen], special_ids).any()
    one = {name: value[:1] for name, value in features.items()}
    assert all((_mask(one, tokenizer, 10)[1] != IGNORED).any() for _ in range(50))

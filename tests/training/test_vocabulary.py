"""Word embeddings that no training text uses are left out of training, and nothing else changes."""

import pytest
import torch

from harness.training.backbone import Backbone
from harness.training.loop import Recipe, optimise
from harness.training.vocabulary import used_words

TEXTS = ["my card is lost", "top up please", "what is the rate"]
OTHER = "a charge in euros"


@pytest.fixture
def train(tiny_encoder):
    """Gives a trained encoder, the steps taken with the whole table or with the words used."""

    def train(*, whole, steps=6, **recipe):
        backbone = Backbone(tiny_encoder.load())
        ids = backbone.tokenise(TEXTS)

        def loss(batch):
            return -(backbone.embed([ids[row] for row in batch]) @ torch.arange(32.0)).mean()

        def optimised():
            rows = list(range(len(TEXTS)))
            optimise(
                backbone.encoder, loss, lambda _: [rows], seed=0, title="",
                recipe=Recipe(epochs=steps, learning_rate=1e-2, **recipe),
            )  # fmt: skip

        if whole:
            optimised()
        else:
            with used_words(backbone.encoder, ids):
                optimised()
        return backbone

    return train


def words(backbone):
    return backbone.encoder[0].model.get_input_embeddings().weight


def test_what_is_learnt_is_the_same(train):
    one, other = (train(whole=whole, weight_decay=0.0) for whole in (True, False))
    names = [name for name, _ in one.encoder.named_parameters()]
    assert names == [name for name, _ in other.encoder.named_parameters()]
    for first, second in zip(one.encoder.parameters(), other.encoder.parameters(), strict=True):
        torch.testing.assert_close(first, second, rtol=0, atol=1e-5)


def test_the_words_of_no_training_text_stay_as_they_were(train, tiny_encoder):
    before = words(Backbone(tiny_encoder.load()))
    backbone = train(whole=False)
    after = words(backbone)
    assert isinstance(after, torch.nn.Parameter)
    assert after.requires_grad
    used = torch.tensor(sorted({one for row in backbone.tokenise(TEXTS) for one in row}))
    changed = (before != after).any(dim=1)
    assert changed[used].all()
    changed[used] = False
    assert not changed.any()


def test_other_texts_can_be_read_while_training(tiny_encoder):
    backbone = Backbone(tiny_encoder.load().eval())
    expected = backbone.run([*TEXTS, OTHER])
    with used_words(backbone.encoder, backbone.tokenise(TEXTS)):
        assert (backbone.run([*TEXTS, OTHER]) == expected).all()
        backbone.encoder.train()
        with pytest.raises(IndexError):  # not trained on: an error, and no wrong embedding
            backbone.embed(backbone.tokenise([OTHER]))
        trained = dict(backbone.encoder.named_parameters())
        sizes = [len(weight) for name, weight in trained.items() if "word_embeddings" in name
                 and weight.requires_grad]  # fmt: skip
        assert sizes < [len(words(Backbone(tiny_encoder.load())))]


def test_an_interruption_leaves_the_table_whole(tiny_encoder):
    backbone = Backbone(tiny_encoder.load())
    table = words(backbone)
    with pytest.raises(KeyboardInterrupt), used_words(backbone.encoder, [[1, 2]]):
        raise KeyboardInterrupt
    assert words(backbone) is table


def test_a_model_without_word_embeddings_is_left_alone():
    from transformers import CanineConfig, CanineModel

    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    encoder = torch.nn.Sequential(CanineModel(CanineConfig(**small, intermediate_size=16)))
    before = [name for name, _ in encoder.named_parameters()]
    with used_words(encoder, [[1, 2]]):
        assert [name for name, _ in encoder.named_parameters()] == before


def test_frozen_words_are_left_alone(tiny_encoder):
    backbone = Backbone(tiny_encoder.load())
    backbone.encoder.requires_grad_(False)
    table = words(backbone)
    with used_words(backbone.encoder, [[1, 2]]):
        assert words(backbone) is table
    assert not table.requires_grad

import numpy as np
import pytest

from harness.training import backbone as module
from harness.training.backbone import Backbone, in_parts

TEXTS = ["card " * length for length in (9, 1, 40, 3, 3, 17, 2, 25, 8)]


@pytest.fixture
def backbone(tiny_encoder):
    return Backbone(tiny_encoder.load().eval())


@pytest.mark.parametrize("passes", [0, 30, 10**6])
def test_a_batch_in_parts_is_the_same_batch(backbone, monkeypatch, passes):
    import torch

    ids = backbone.tokenise(TEXTS)
    whole = backbone.run(TEXTS)
    backbone.tokens_run = 0
    monkeypatch.setattr(module, "PASS_SLOTS", passes)
    found = backbone.embed(ids)
    np.testing.assert_allclose(found.detach().numpy(), whole, atol=1e-5)
    assert backbone.tokens_run == sum(map(len, ids))
    weight = torch.arange(float(found.numel())).reshape(found.shape)
    (found * weight).sum().backward()
    words = backbone.encoder[0].model.embeddings.word_embeddings.weight
    gradient = words.grad
    monkeypatch.setattr(module, "PASS_SLOTS", 10**6)
    backbone.encoder.zero_grad()
    (backbone.embed(ids) * weight).sum().backward()
    torch.testing.assert_close(gradient, words.grad, rtol=1e-3, atol=1e-3)


def test_where_the_device_has_bfloat16_matrices_are_multiplied_in_it(backbone, monkeypatch):
    ids = backbone.tokenise(TEXTS)
    exact = backbone.embed(ids).detach()
    monkeypatch.setattr(module, "half_precision", lambda _: True)
    found = backbone.embed(ids)
    assert 1e-5 < (found - exact).abs().max() < 0.05
    found[:, 0].sum().backward()
    trained = [weight for weight in backbone.encoder.parameters() if weight.grad is not None]
    assert {str(weight.dtype) for weight in trained} == {"torch.float32"}
    assert trained


@pytest.mark.parametrize(
    ("lengths", "sizes"),
    [
        ([14] * 32, [32]),
        ([*range(6, 38), *range(20, 52)], [16] * 4),
        ([10] * 16 + [60] * 16, [16, 16]),
        ([5], [1]),
    ],
)
def test_parts_are_made_where_they_save_padding(lengths, sizes):
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    parts = in_parts(order, lengths)
    assert [len(part) for part in parts] == sizes
    assert [row for part in parts for row in part] == order


def test_texts_that_fill_what_it_reads_are_counted(backbone):
    backbone.tokenise(["card " * 100, "card", "card " * 63])
    assert backbone.shortened == 2

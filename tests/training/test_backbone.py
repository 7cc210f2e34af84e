import numpy as np
import pytest

from harness.training import backbone as module
from harness.training.backbone import Backbone

TEXTS = ["card " * length for length in (9, 1, 40, 3, 3, 17, 2, 25, 8)]


@pytest.fixture
def backbone(tiny_encoder):
    return Backbone(tiny_encoder.load().eval())


@pytest.mark.parametrize("rows", [1, 2, 4, 100])
def test_a_batch_in_parts_is_the_same_batch(backbone, monkeypatch, rows):
    import torch

    ids = backbone.tokenise(TEXTS)
    whole = backbone.run(TEXTS)
    backbone.tokens_run = 0
    monkeypatch.setattr(module, "CPU_ROWS", rows)
    found = backbone.embed(ids)
    np.testing.assert_allclose(found.detach().numpy(), whole, atol=1e-5)
    assert backbone.tokens_run == sum(map(len, ids))
    weight = torch.arange(float(found.numel())).reshape(found.shape)
    (found * weight).sum().backward()
    gradient = backbone.encoder[0].model.embeddings.word_embeddings.weight.grad
    monkeypatch.setattr(module, "CPU_ROWS", 100)
    backbone.encoder.zero_grad()
    (backbone.embed(ids) * weight).sum().backward()
    again = backbone.encoder[0].model.embeddings.word_embeddings.weight.grad
    torch.testing.assert_close(gradient, again, rtol=1e-3, atol=1e-3)


def test_parts_are_of_like_length(backbone, monkeypatch):
    lengths = []
    run = backbone._run
    monkeypatch.setattr(
        backbone, "_run", lambda ids, **shape: lengths.append([*map(len, ids)]) or run(ids, **shape)
    )
    monkeypatch.setattr(module, "CPU_ROWS", 3)
    backbone.embed(backbone.tokenise(TEXTS))
    assert [length for part in lengths for length in part] == sorted(
        map(len, backbone.tokenise(TEXTS))
    )


def test_texts_that_fill_what_it_reads_are_counted(backbone):
    backbone.tokenise(["card " * 100, "card", "card " * 63])
    assert backbone.shortened == 2

import platform

import pytest
import torch
from transformers.pytorch_utils import Conv1D

from harness.models.packed import linear_library, pack_linears

needs_onednn = pytest.mark.skipif(
    linear_library("cpu", "float32") != "onednn", reason="not a processor it was tried on"
)


@pytest.mark.parametrize(
    ("machine", "device", "dtype", "library"),
    [
        ("x86_64", "cpu", "float32", "onednn"),
        ("AMD64", "cpu", "float32", "onednn"),
        ("arm64", "cpu", "float32", "torch"),
        ("x86_64", "cuda", "float32", "torch"),
        ("arm64", "mps", "float32", "torch"),
        ("x86_64", "cpu", "bfloat16", "torch"),
    ],
)
def test_which_library_multiplies(monkeypatch, machine, device, dtype, library):
    monkeypatch.setattr(platform, "machine", lambda: machine)
    linear_library.cache_clear()
    try:
        assert linear_library(device, dtype) == library
    finally:
        linear_library.cache_clear()


def linear(inputs, outputs, *, bias):
    return torch.nn.Linear(inputs, outputs, bias=bias)


def conv1d(inputs, outputs, *, bias):
    layer = Conv1D(outputs, inputs)
    torch.nn.init.normal_(layer.bias)
    return layer


@needs_onednn
@torch.inference_mode()
@pytest.mark.parametrize(
    ("make", "bias"), [(linear, True), (linear, False), (conv1d, True)], ids=str
)
@pytest.mark.parametrize("shape", [(32, 48), (33, 17), (5, 1), (256, 640)], ids=str)
def test_a_packed_layer_gives_the_same(make, bias, shape):
    torch.manual_seed(0)
    layer = make(*shape, bias=bias)
    weight = layer.weight.detach().clone()
    texts = [torch.randn(*rows, shape[0]) for rows in [(1, 1), (3, 7), (1, 64), (70,)]]
    expected = [layer(text) for text in texts]
    pack_linears(layer)
    assert dict(layer.named_parameters()).keys() == ({"bias"} if bias else set())
    for text, wanted in zip(texts, expected, strict=True):
        got = layer(text)
        assert got.shape == wanted.shape
        torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-5)
    assert torch.equal(layer.weight, weight)  # unpacked for those who read it
    assert isinstance(layer, type(make(1, 1, bias=bias)))


@needs_onednn
@torch.inference_mode()
def test_every_row_has_the_same_bits_in_any_company():
    torch.manual_seed(0)
    layer, rows = torch.nn.Linear(64, 80), torch.randn(12, 9, 64)
    pack_linears(layer)
    together = layer(rows)
    for row in range(12):
        assert torch.equal(layer(rows[row : row + 1])[0], together[row])


@needs_onednn
@torch.inference_mode()
def test_tied_embeddings_stay_usable():
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=60, hidden_size=32, intermediate_size=48, num_hidden_layers=1,
        num_attention_heads=4, tie_word_embeddings=True,
    )  # fmt: skip
    model = LlamaForCausalLM(config).eval()
    ids = torch.arange(20)[None]
    expected = model(ids).logits
    pack_linears(model)
    assert model.lm_head.weight is model.get_input_embeddings().weight
    assert model.lm_head.weight.shape == (60, 32)
    torch.testing.assert_close(model(ids).logits, expected, rtol=1e-5, atol=1e-5)
    assert model.dtype == torch.float32
    assert model.device.type == "cpu"


@needs_onednn
def test_other_kinds_of_linear_layer_are_left_alone():
    class Router(torch.nn.Linear):
        def forward(self, inputs):
            return super().forward(inputs).softmax(-1)

    model = torch.nn.Sequential(Router(8, 4), torch.nn.Bilinear(4, 4, 2), torch.nn.Conv1d(2, 2, 1))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    pack_linears(model)
    assert model.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert [type(module) for module in model] == [Router, torch.nn.Bilinear, torch.nn.Conv1d]


@needs_onednn
def test_the_weights_as_they_were_are_let_go():
    model = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.Linear(4, 2, bias=False))
    pack_linears(model)
    assert {name: value.shape for name, value in model.named_parameters()} == {"0.bias": (4,)}

import numpy as np
import pytest

from harness.core.errors import ModelError
from harness.core.files import sha256_file
from harness.models.convert import converter_versions, gguf_to_safetensors

WIDTH, HIDDEN, HEADS = 32, 64, 4
WORDS = ["<|endoftext|>", *"abcdefgh", "ab", "cd"]


@pytest.fixture(scope="module")
def gguf_file(tmp_path_factory):
    """A Llama of one layer with random weights, and a tokenizer of eleven tokens."""
    from gguf import GGUFWriter

    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    draw = np.random.default_rng(0)
    writer = GGUFWriter(path, "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(WORDS))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(WORDS)
    writer.add_token_types([3] + [1] * (len(WORDS) - 1))
    writer.add_token_merges(["a b", "c d"])
    for name in ("bos", "eos"):
        getattr(writer, f"add_{name}_token_id")(0)
    shapes = {
        "token_embd": (len(WORDS), WIDTH),
        "output_norm": (WIDTH,),
        "blk.0.attn_norm": (WIDTH,),
        "blk.0.ffn_norm": (WIDTH,),
        "blk.0.ffn_gate": (HIDDEN, WIDTH),
        "blk.0.ffn_up": (HIDDEN, WIDTH),
        "blk.0.ffn_down": (WIDTH, HIDDEN),
        **{f"blk.0.attn_{part}": (WIDTH, WIDTH) for part in ("q", "k", "v", "output")},
    }
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", draw.standard_normal(shape, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_the_folder_holds_the_weights_and_the_words_of_the_file(gguf_file, tmp_path, capfd):
    gguf_to_safetensors(gguf_file, tmp_path)
    assert capfd.readouterr() == ("", "")

    import torch
    from gguf import GGUFReader
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    tensors = {tensor.name: tensor.data for tensor in GGUFReader(gguf_file).tensors}
    weights = model.state_dict()
    assert not hasattr(model.config, "quantization_config")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}
    for mine, theirs in {
        "model.embed_tokens": "token_embd",
        "model.layers.0.mlp.down_proj": "blk.0.ffn_down",
        "lm_head": "token_embd",
    }.items():
        assert np.array_equal(weights[f"{mine}.weight"].numpy(), tensors[f"{theirs}.weight"])
    assert tokenizer.encode("abcd", add_special_tokens=False) == [9, 10]


def test_twice_gives_the_same_bytes(gguf_file, tmp_path):
    hashes = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        gguf_to_safetensors(gguf_file, folder)
        hashes.append({path.name: sha256_file(path) for path in folder.iterdir()})
    assert hashes[0] == hashes[1]
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= hashes[0].keys()


def test_what_is_no_gguf_file_is_said(tmp_path):
    (tmp_path / "broken.gguf").write_bytes(b"GGUF" + bytes(50))
    with pytest.raises(ModelError, match=r"broken\.gguf could not be converted") as caught:
        gguf_to_safetensors(tmp_path / "broken.gguf", tmp_path / "out")
    assert f"transformers {converter_versions()['transformers']}" in str(caught.value)

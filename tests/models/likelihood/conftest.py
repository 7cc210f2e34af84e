"""Tiny causal LMs of many architectures, with weights large enough that a mistake shows."""

import functools

import numpy as np
import pytest

from harness.models.likelihood.tokens import TokenisedPrompt

VOCABULARY = 160
COMMON = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 128,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
GROUPED = {**COMMON, "num_key_value_heads": 2}
GPT = {"vocab_size": VOCABULARY, "n_positions": 128, "n_embd": 32, "n_layer": 2, "n_head": 4}
ROPE = {"rope_theta": 1e4}
SCALED = {"original_max_position_embeddings": 16, "short_factor": [1.0] * 4}

TREE = {
    "Llama": ("LlamaConfig", GROUPED),
    "Llama with YaRN": ("LlamaConfig", GROUPED | {"rope_parameters": {
        **ROPE, "rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}}),
    "Qwen2": ("Qwen2Config", GROUPED),
    "Gemma": ("GemmaConfig", GROUPED | {"head_dim": 8}),
    "Mistral": ("MistralConfig", GROUPED | {"sliding_window": None}),
    "Phi": ("PhiConfig", COMMON),
    "GPT-2": ("GPT2Config", GPT),
    "GPT-NeoX": ("GPTNeoXConfig", COMMON),
    "OPT": ("OPTConfig", {
        "vocab_size": VOCABULARY, "hidden_size": 32, "ffn_dim": 48, "num_hidden_layers": 2,
        "num_attention_heads": 4, "max_position_embeddings": 128, "word_embed_proj_dim": 32}),
}  # fmt: skip
PLAIN = {
    # Attention to a part of the prompt, longer than what the probe would show
    "Mistral with a window": ("MistralConfig", GROUPED | {"sliding_window": 20}),
    "Gemma 2": ("Gemma2Config", GROUPED | {"head_dim": 8, "sliding_window": 20}),
    "Gemma 3": ("Gemma3TextConfig", GROUPED | {"head_dim": 8, "sliding_window": 20}),
    "GPT-Neo": ("GPTNeoConfig", {
        "vocab_size": VOCABULARY, "hidden_size": 32, "num_layers": 2, "num_heads": 4,
        "attention_types": [[["global", "local"], 1]], "window_size": 20,
        "max_position_embeddings": 128}),
    # Frequencies that change with the length
    "Phi-3 with long RoPE": ("Phi3Config", GROUPED | SCALED | {"rope_parameters": {
        **ROPE, **SCALED, "rope_type": "longrope", "long_factor": [4.0] * 4}}),
    "Llama with dynamic RoPE": ("LlamaConfig", GROUPED | {
        "max_position_embeddings": 16,
        "rope_parameters": {**ROPE, "rope_type": "dynamic", "factor": 4.0}}),
    # Positions or states that a tree mask cannot reach
    "Bloom": ("BloomConfig", {
        "vocab_size": VOCABULARY, "hidden_size": 32, "n_layer": 2, "n_head": 4}),
    "MPT": ("MptConfig", {
        "vocab_size": VOCABULARY, "d_model": 32, "n_layers": 2, "n_heads": 4, "max_seq_len": 128}),
    "Mamba": ("MambaConfig", {
        "vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 2}),
}  # fmt: skip


@functools.cache
def build(name):
    import torch
    import transformers

    kind, settings = (TREE | PLAIN)[name]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = getattr(transformers, kind)(**settings)
        model = transformers.AutoModelForCausalLM.from_config(config).eval()
        for part, weights in sorted(model.named_parameters()):
            if weights.ndim > 1 and "conv" not in part:
                torch.nn.init.normal_(weights, std=0.25)
    return model


@pytest.fixture(params=TREE)
def tree_model(request):
    """A model whose labels can be scored in one pass."""
    return build(request.param)


@pytest.fixture(params=PLAIN)
def plain_model(request):
    """A model that has to be scored one label at a time."""
    return build(request.param)


@pytest.fixture
def llama():
    return build("Llama")


@pytest.fixture
def make_prompt():
    """A prompt of random tokens with many labels: some alike, begun by another, or of one token."""

    def make(*, seed=0, length=40, labels=24):
        generator = np.random.default_rng(seed)

        def tokens(count, of):
            return tuple(int(token) for token in generator.integers(3, of, count))

        # A small alphabet for labels, so that many begin alike.
        many = [tokens(count, 12) for count in generator.integers(1, 6, labels)]
        some = [(*many[0], 7), many[1][:1], many[2], (5,), (5, 5), (5, 5, 5)]
        return TokenisedPrompt(tokens(length, VOCABULARY), (*many, *some))

    return make

"""Tiny causal LMs of many architectures."""

import numpy as np
import pytest

VOCABULARY = 160
WINDOW = 40  # some prompts are shorter, some longer
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
SIZED = {**GROUPED, "head_dim": 8}
ENDS = {"vocab_size": VOCABULARY, "bos_token_id": 1, "eos_token_id": 2}
GPT = {**ENDS, "n_positions": 128, "n_embd": 32, "n_layer": 2, "n_head": 4}
FALCON = {**ENDS, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
ROPE = {"rope_theta": 1e4}
STATES = {"mamba_n_heads": 8, "mamba_d_head": 8, "mamba_d_state": 8, "mamba_n_groups": 1}
LONG = {"original_max_position_embeddings": WINDOW, "short_factor": [1.0] * 4}

# All labels in one pass.
TREE = {
    "Llama": ("LlamaConfig", GROUPED),
    "Llama, tied": ("LlamaConfig", GROUPED | {"tie_word_embeddings": True}),
    "Llama, YaRN": ("LlamaConfig", GROUPED | {"rope_parameters": {
        **ROPE, "rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}}),
    "Qwen2": ("Qwen2Config", GROUPED),
    "Qwen3": ("Qwen3Config", SIZED),
    "Gemma": ("GemmaConfig", SIZED),
    "Gemma 2": ("Gemma2Config", SIZED | {"sliding_window": 128}),
    "Gemma 3": ("Gemma3TextConfig", SIZED | {"sliding_window": 128}),
    "Mistral": ("MistralConfig", GROUPED | {"sliding_window": None}),
    "Mixtral": ("MixtralConfig", GROUPED | {"num_local_experts": 4}),
    "DeepSeek-V3": ("DeepseekV3Config", COMMON | {
        "num_key_value_heads": 4, "q_lora_rank": 16, "kv_lora_rank": 8, "qk_rope_head_dim": 4,
        "qk_nope_head_dim": 4, "v_head_dim": 8, "n_routed_experts": 4, "n_group": 1,
        "topk_group": 1, "num_experts_per_tok": 2, "moe_intermediate_size": 16}),
    "Phi": ("PhiConfig", COMMON),
    "Phi-3": ("Phi3Config", GROUPED),
    "GPT-2": ("GPT2Config", GPT),
    "GPT-NeoX": ("GPTNeoXConfig", COMMON),
    "GPT-J": ("GPTJConfig", GPT | {"rotary_dim": 4}),
    "OPT": ("OPTConfig", COMMON | {"ffn_dim": 48, "word_embed_proj_dim": 32}),
    "SmolLM3": ("SmolLM3Config", GROUPED),
    "OLMo 2": ("Olmo2Config", GROUPED),
    "StableLM": ("StableLmConfig", GROUPED),
    "Cohere": ("CohereConfig", GROUPED),
    "Granite": ("GraniteConfig", GROUPED),
    "Falcon": ("FalconConfig", FALCON),
}  # fmt: skip

# The ways of scoring that other architectures take: for short prompts, and for long ones.
CACHED, PLAIN = ("CachedScorer", "CachedScorer"), ("PlainScorer", "PlainScorer")
WINDOWED, SCALED = ("TreeScorer", "CachedScorer"), ("TreeScorer", "PlainScorer")
STEPWISE = {
    # Distance instead of positions
    "Bloom": (CACHED, "BloomConfig", GPT),
    "MPT": (CACHED, "MptConfig", {
        "vocab_size": VOCABULARY, "d_model": 32, "n_layers": 2, "n_heads": 4, "max_seq_len": 128}),
    "Falcon, ALiBi": (CACHED, "FalconConfig", FALCON | {"alibi": True}),
    # Recurrent states
    "Mamba": (CACHED, "MambaConfig", COMMON),
    "Mamba 2": (CACHED, "Mamba2Config", {
        "vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 2, "num_heads": 8,
        "head_dim": 8, "state_size": 8, "n_groups": 2, "chunk_size": 8}),
    "RWKV": (PLAIN, "RwkvConfig", {
        "vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 2,
        "context_length": 128}),
    # Recurrent states and attention
    "Jamba": (CACHED, "JambaConfig", GROUPED | {
        "attn_layer_period": 2, "attn_layer_offset": 1, "num_experts": 2, "mamba_d_state": 8,
        "mamba_dt_rank": 4, "use_mamba_kernels": False}),
    "Bamba": (CACHED, "BambaConfig", GROUPED | STATES | {
        "attn_layer_indices": [1], "mamba_chunk_size": 8}),
    "Falcon-H1": (CACHED, "FalconH1Config", SIZED | STATES | {
        "mamba_chunk_size": 8, "mamba_d_ssm": 64}),
    "Qwen3-Next": (CACHED, "Qwen3NextConfig", SIZED | {
        "linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_key_head_dim": 8,
        "linear_value_head_dim": 8, "num_experts": 2, "num_experts_per_tok": 1,
        "moe_intermediate_size": 16, "shared_expert_intermediate_size": 16,
        "layer_types": ["linear_attention", "full_attention"]}),
    "RecurrentGemma": (PLAIN, "RecurrentGemmaConfig", SIZED | {
        "lru_width": 32, "attention_window_size": WINDOW,
        "block_types": ["recurrent", "attention"]}),
    # Attention to the last tokens alone
    "Mistral, window": (WINDOWED, "MistralConfig", GROUPED | {"sliding_window": WINDOW}),
    "Gemma 2, window": (WINDOWED, "Gemma2Config", SIZED | {"sliding_window": WINDOW}),
    "Gemma 3, window": (WINDOWED, "Gemma3TextConfig", SIZED | {"sliding_window": WINDOW}),
    "Qwen2, window": (WINDOWED, "Qwen2Config", GROUPED | {
        "use_sliding_window": True, "sliding_window": WINDOW, "max_window_layers": 1}),
    "Llama 4, chunks": (WINDOWED, "Llama4TextConfig", SIZED | {
        "attention_chunk_size": WINDOW, "num_local_experts": 2, "intermediate_size_mlp": 48}),
    "GPT-Neo, local": (CACHED, "GPTNeoConfig", {
        **ENDS, "hidden_size": 32, "num_layers": 2, "num_heads": 4, "window_size": WINDOW,
        "attention_types": [[["global", "local"], 1]], "max_position_embeddings": 128}),
    # Frequencies that change with the length
    "Llama, dynamic RoPE": (SCALED, "LlamaConfig", GROUPED | {
        "max_position_embeddings": WINDOW,
        "rope_parameters": {**ROPE, "rope_type": "dynamic", "factor": 4.0}}),
    "Phi-3, LongRoPE": (SCALED, "Phi3Config", GROUPED | {
        "original_max_position_embeddings": WINDOW,
        "rope_parameters": {
            **ROPE, **LONG, "rope_type": "longrope", "long_factor": [4.0] * 4}}),
}  # fmt: skip


def build(kind, settings):
    """Returns a model with weights that are large for random ones, so that a mistake shows."""
    import torch
    import transformers

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
    return build(*TREE[request.param])


@pytest.fixture(params=STEPWISE)
def stepwise_model(request):
    """A model that has to be asked otherwise, at least about long prompts, and how."""
    ways, kind, settings = STEPWISE[request.param]
    return build(kind, settings), ways


@pytest.fixture
def make_model():
    """Gives the model of a name in the tables above."""

    def make(name):
        return build(*(TREE[name] if name in TREE else STEPWISE[name][1:]))

    return make


@pytest.fixture
def llama():
    return build(*TREE["Llama"])


@pytest.fixture(scope="session")
def tokens():
    """Gives random token ids; always the same for a seed."""

    def make(count, *, seed=0, of=VOCABULARY):
        return tuple(np.random.default_rng(seed).integers(3, of, count).tolist())

    return make

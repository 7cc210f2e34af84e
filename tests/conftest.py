"""What all tests share: a cache of their own, no network, and tiny models and tasks.

The models are built on the spot, with random weights and a tokenizer trained on a few sentences,
and saved as any other model is: config, safetensors, tokenizer.
"""

import json
import os
import sys
from pathlib import Path

import pytest

OWN_CACHE = os.environ.get("HARNESS_TEST_CACHE") or os.environ.get("HARNESS_CACHE")
os.environ["HF_HUB_OFFLINE"] = "1"  # read when huggingface_hub is imported
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("OMP_NUM_THREADS", "1")  # tiny models gain nothing from more

ROOT = Path(__file__).resolve().parents[1]
LABELS = ("lost_card", "top_up", "exchange_rate", "lost_card_abroad")
SENTENCES = {
    "lost_card": ("my card is lost", "I lost my card", "somebody stole the card", "card is gone"),
    "top_up": ("how do I top up", "top up with cash", "my top up failed", "add money to it"),
    "exchange_rate": ("what is the rate", "the rate is wrong", "rate for euros", "wrong rate"),
    "lost_card_abroad": ("lost abroad", "my card is lost in Rome", "card stolen in Café Zürich",
                         "I am abroad without a card"),
}  # fmt: skip


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes long, or needs the default models or data")


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """The test's own cache folder, which is not made before something is kept in it."""
    folder = tmp_path_factory.getbasetemp() / "caches" / str(next(_numbers))
    monkeypatch.setenv("HARNESS_CACHE", str(folder))
    return folder


_numbers = iter(range(sys.maxsize))


@pytest.fixture(scope="session", autouse=True)
def session_cache(tmp_path_factory):
    """What fixtures of a wider scope than a test see as the cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_CACHE", str(tmp_path_factory.getbasetemp() / "caches" / "session"))
        yield


@pytest.fixture(scope="session")
def make_tokenizer():
    """Gives a byte-level BPE tokenizer that knows any text.

    Args:
        before, after: Special tokens that it puts around every text, such as ``<s>``.
        special: The names of its special tokens.
    """

    def make(*, before="", after="", special=None):
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
        from transformers import PreTrainedTokenizerFast

        special = {"bos_token": "<s>", "eos_token": "</s>"} if special is None else special
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=420,
            special_tokens=["<pad>", "<s>", "</s>"],
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
        corpus = [f"Message: {text}\nIntent: {label.replace('_', ' ')}"
                  for label, texts in SENTENCES.items() for text in texts]  # fmt: skip
        tokenizer.train_from_iterator(corpus, trainer)
        around = f"{before} $A {after}".split()
        ids = [(token, tokenizer.token_to_id(token)) for token in around if token != "$A"]
        if ids:
            tokenizer.post_processor = processors.TemplateProcessing(
                single=" ".join(around), special_tokens=ids
            )
        return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", **special)

    return make


@pytest.fixture(scope="session")
def save_architecture(make_tokenizer, tmp_path_factory):
    """Saves a model of transformers with random weights; gives the model and its folder.

    It has three layers. Nothing in the folder says how to make one vector of a text.
    """
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3,
             "num_attention_heads": 4, "max_position_embeddings": 64}  # fmt: skip
    others = {
        "distilbert": {"hidden_dim": 48},
        "roberta": {"max_position_embeddings": 66},
        "deberta-v2": {
            "relative_attention": True, "pos_att_type": ["c2p", "p2c"], "position_buckets": 16,
            "norm_rel_ebd": "layer_norm",
        },
        "modernbert": {"local_attention": 8, "global_attn_every_n_layers": 2},
        "llama": {"num_key_value_heads": 2, "tie_word_embeddings": False},
    }  # fmt: skip

    def save(name):
        import torch
        import transformers

        model_class = getattr(transformers, name)
        config = model_class.config_class
        special = {"cls_token": "<s>", "sep_token": "</s>", "mask_token": "<mask>"}
        tokenizer = make_tokenizer(before="<s>", after="</s>", special=special)
        tokenizer.model_max_length = 64
        special_ids = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
        own = {config.attribute_map.get(key, key): value for key, value in sizes.items()}
        made = config(
            vocab_size=len(tokenizer), **special_ids, **own | others.get(config.model_type, {})
        )
        folder = tmp_path_factory.mktemp("models") / name
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = model_class(made)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return model, folder

    return save


@pytest.fixture(scope="session")
def save_causal_lm(make_tokenizer):
    """Saves a causal LM with random weights, made from a config of transformers.

    The weights are large for random ones, so that attention matters and a mistake shows.
    """

    def save(folder, config, *, tokenizer=None, spread=0.25):
        import torch
        from transformers import AutoModelForCausalLM

        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = AutoModelForCausalLM.from_config(config).eval()
            for name, weights in sorted(model.named_parameters()):
                if weights.ndim > 1 and "conv" not in name:
                    torch.nn.init.normal_(weights, std=spread)
        model.save_pretrained(folder)
        (tokenizer or make_tokenizer()).save_pretrained(folder)
        return folder

    return save


@pytest.fixture(scope="session")
def tiny_causal_lm_folder(tmp_path_factory, save_causal_lm, make_tokenizer):
    """The folder of a Llama of two layers that reads 256 tokens."""
    from transformers import LlamaConfig

    tokenizer = make_tokenizer()
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    return save_causal_lm(tmp_path_factory.mktemp("models") / "tiny-llama", config)


@pytest.fixture(scope="session")
def tiny_encoder_folder(tmp_path_factory, make_tokenizer):
    """The folder of a BERT of two layers with mean pooling and unit vectors, 64 tokens."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("models") / "tiny-bert"
    tokenizer = make_tokenizer(
        before="<s>", after="</s>", special={"cls_token": "<s>", "sep_token": "</s>"}
    )
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=64,
        initializer_range=0.2,
        pad_token_id=0,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertModel(config).save_pretrained(folder / "transformer")
    tokenizer.save_pretrained(folder / "transformer")
    body = Transformer(str(folder / "transformer"), max_seq_length=64)
    modules = [body, Pooling(32, pooling_mode="mean"), Normalize()]
    SentenceTransformer(modules=modules, device="cpu").save(str(folder / "whole"))
    return folder / "whole"


@pytest.fixture
def tiny_causal_lm(tiny_causal_lm_folder, cache):
    """The tiny causal LM behind an empty cache."""
    from harness.models.causal_lm import LocalCausalLM
    from harness.models.resolve import resolve

    return LocalCausalLM(resolve(str(tiny_causal_lm_folder), "causal_lm"), cache)


@pytest.fixture
def tiny_encoder(tiny_encoder_folder, cache):
    """The tiny encoder behind an empty cache."""
    from harness.models.encoder import LocalEncoder
    from harness.models.resolve import resolve

    return LocalEncoder(resolve(str(tiny_encoder_folder), "encoder"), cache)


@pytest.fixture(scope="session")
def tiny_task_folder(tmp_path_factory):
    """A task of four labels in a folder: task.yaml, train.csv (24 rows), test.csv (8 rows)."""
    folder = tmp_path_factory.mktemp("tasks") / "tiny"
    folder.mkdir()
    rows = [(text, label) for label in LABELS for text in SENTENCES[label]]
    train = [f'"{text}",{label}' for text, label in rows]
    train += [f'"{text} today",{label}' for text, label in rows[:8]]
    test = [f'"please help, {text}",{label}' for text, label in rows[::2]]
    for name, lines in (("train", train), ("test", test)):
        (folder / f"{name}.csv").write_text("\n".join(["text,label", *lines]) + "\n", "utf-8")
    labels = [
        {"name": label, "description": f"a customer writes about {label.replace('_', ' ')}"}
        for label in LABELS
    ]
    content = {
        "version": "1",
        "kind": "single_label",
        "description": "A task for tests.",
        "data": [
            {
                "files": {"train": "train.csv", "test": "test.csv"},
                "fields": {"text": "text"},
                "label": "label",
            }
        ],
        "labels": labels,
        "prompt": "intent_v1",
    }
    (folder / "task.yaml").write_text(json.dumps(content, indent=2), "utf-8")
    return folder


@pytest.fixture
def tiny_task(tiny_task_folder):
    """The tiny task with its data."""
    from harness.tasks.task import load_task

    return load_task(tiny_task_folder)


@pytest.fixture(scope="session")
def shared():
    """The folder of data and golden numbers that may lie beside the repository."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("there is no folder `shared` beside the repository")
    return folder


@pytest.fixture(scope="session")
def default_models():
    """Gives a default model of the catalog, from the user's own cache: ``default_models(kind)``.

    The environment variable ``HARNESS_TEST_CACHE`` names another cache for these.
    """
    from harness.models.catalog import DEFAULTS
    from harness.models.resolve import resolve

    def get(kind):
        with pytest.MonkeyPatch.context() as patch:
            if OWN_CACHE:
                patch.setenv("HARNESS_CACHE", OWN_CACHE)
            else:
                patch.delenv("HARNESS_CACHE", raising=False)
            return resolve(DEFAULTS[kind], kind)

    return get

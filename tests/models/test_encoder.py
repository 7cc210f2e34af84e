import random
import subprocess
import sys

import numpy as np
import pytest

from harness.models.encoder import LIMIT_FILE, LocalEncoder, token_limit, tokenise
from harness.models.outputs import content_key
from harness.models.resolve import resolve

WORDS = ("my", "card", "is lost", "in Zürich", "please", "top it up", "丢失", "🙂", "rate")


@pytest.fixture(scope="module")
def texts():
    generator = random.Random(0)
    made = [" ".join(generator.choices(WORDS, k=generator.randint(1, 30))) for _ in range(60)]
    return ["", " ", "a", "card", *made, "card " * 100]


@pytest.fixture
def make_encoder(tiny_encoder_folder, tmp_path):
    def make(cache):
        return LocalEncoder(resolve(str(tiny_encoder_folder), "encoder"), tmp_path / cache)

    return make


def test_equals_sentence_transformers(tiny_encoder, tiny_encoder_folder, texts):
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(tiny_encoder_folder), device="cpu")
    values = tiny_encoder.encode(texts).values
    assert values.dtype == np.float32
    assert values.shape == (len(texts), 32)
    np.testing.assert_allclose(values, model.encode(texts), rtol=0, atol=1e-5)


def test_same_bits_whatever_else_is_encoded(make_encoder, texts):
    together = make_encoder("all").encode(texts).values
    generator = random.Random(1)
    for trial in range(6):
        chosen = generator.sample(range(len(texts)), k=generator.choice([1, 2, 7, 30]))
        values = make_encoder(f"trial {trial}").encode([texts[row] for row in chosen]).values
        assert values.tobytes() == together[chosen].tobytes()


def test_what_was_encoded_is_not_encoded_again(make_encoder, texts):
    first = make_encoder("cache")
    outputs = first.encode(texts)
    assert first.texts_encoded == len(texts)
    assert first.encode(texts[::-1]).values.tobytes() == outputs.values[::-1].tobytes()
    assert first.texts_encoded == len(texts)
    second = make_encoder("cache")
    again = second.encode([*texts[5:9], "something new"])
    assert second.texts_encoded == 1
    assert again.values[:4].tobytes() == outputs.values[5:9].tobytes()
    assert again.costs[content_key(texts[5])] == outputs.costs[content_key(texts[5])]


def test_duplicates_are_encoded_once(tiny_encoder):
    outputs = tiny_encoder.encode(["my card", "rate", "my card", "my card"])
    assert tiny_encoder.texts_encoded == 2
    assert outputs.values[0].tobytes() == outputs.values[2].tobytes()
    assert set(outputs.costs) == {content_key("my card"), content_key("rate")}


def test_costs_are_tokens_and_seconds(tiny_encoder, texts):
    outputs = tiny_encoder.encode(texts)
    model = tiny_encoder.load()
    lengths = [len(ids) for ids in tokenise(model, texts)]
    assert [outputs.costs[content_key(text)].tokens for text in texts] == lengths
    assert tiny_encoder.tokens_run == sum(lengths)
    assert max(lengths) == token_limit(model) == 64
    assert all(cost.seconds > 0 for cost in outputs.costs.values())


SECOND = """
import sys
from pathlib import Path
from harness.models.encoder import LocalEncoder
from harness.models.resolve import resolve

encoder = LocalEncoder(resolve(sys.argv[1], "encoder"), Path(sys.argv[2]))
values = encoder.encode(sys.argv[3:]).values
assert encoder.texts_encoded == 0, encoder.texts_encoded
assert "torch" not in sys.modules and "transformers" not in sys.modules
sys.stdout.buffer.write(values.tobytes())
"""


def test_a_second_process_loads_and_encodes_nothing(tiny_encoder, tiny_encoder_folder, cache):
    texts = ["my card", "the rate"]
    values = tiny_encoder.encode(texts).values
    command = [sys.executable, "-c", SECOND, tiny_encoder_folder, cache, *texts]
    assert subprocess.run(command, capture_output=True, check=True).stdout == values.tobytes()


def test_a_killed_encoding_keeps_what_was_done(tiny_encoder, make_encoder, monkeypatch):
    from harness.models import encoder as module

    monkeypatch.setattr(module, "FLUSH_TEXTS", 4)
    run, calls = module.run_batch, []

    def interrupted(model, ids, batch):
        calls.append(len(ids))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return run(model, ids, batch)

    monkeypatch.setattr(module, "run_batch", interrupted)
    texts = [f"card number {number:02d}" for number in range(12)]
    with pytest.raises(KeyboardInterrupt):
        tiny_encoder.encode(texts)
    tiny_encoder.encode(texts)
    assert tiny_encoder.texts_encoded == 12  # 8 before the interruption, and the last 4 after it


def test_other_weights_other_outputs(tiny_encoder_folder, tmp_path, cache):
    import shutil

    from safetensors.numpy import load_file, save_file

    other = shutil.copytree(tiny_encoder_folder, tmp_path / "other")
    [file] = other.rglob("*.safetensors")
    tensors = {name: values * 1.01 for name, values in load_file(file).items()}
    save_file(tensors, file, metadata={"format": "pt"})
    encoders = [
        LocalEncoder(resolve(str(folder), "encoder"), cache)
        for folder in (tiny_encoder_folder, other)
    ]
    first, second = (encoder.encode(["my card"]).values for encoder in encoders)
    assert [encoder.texts_encoded for encoder in encoders] == [1, 1]
    assert np.abs(first - second).max() > 1e-4


def test_the_models_default_prompt_is_read_first(tiny_encoder_folder, tmp_path, cache):
    from sentence_transformers import SentenceTransformer

    prompts = {"prompts": {"query": "top up: "}, "default_prompt_name": "query"}
    model = SentenceTransformer(str(tiny_encoder_folder), device="cpu", **prompts)
    model.save(str(tmp_path / "prompted"))
    encoder = LocalEncoder(resolve(str(tmp_path / "prompted"), "encoder"), cache)
    values = encoder.encode(["my card"]).values
    np.testing.assert_allclose(values, model.encode(["my card"]), rtol=0, atol=1e-5)
    assert np.abs(values - model.encode(["my card"], prompt="")).max() > 1e-3


def test_loading_gives_a_fresh_model(tiny_encoder):
    first, second = tiny_encoder.load(), tiny_encoder.load()
    weights = next(first.parameters())
    assert weights.requires_grad
    weights.data.zero_()
    assert next(second.parameters()).abs().sum() > 0


@pytest.mark.slow
def test_same_bits_with_the_default_encoder(default_models, tmp_path, monkeypatch, texts):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    resolved = default_models("encoder")
    encoder = LocalEncoder(resolved, tmp_path / "all")
    together = encoder.encode(texts).values
    np.testing.assert_allclose(together, encoder.load().encode(texts), rtol=0, atol=1e-5)
    generator = random.Random(1)
    for trial in range(4):
        chosen = generator.sample(range(len(texts)), k=generator.choice([1, 2, 7, 30]))
        other = LocalEncoder(resolved, tmp_path / f"trial {trial}")
        assert other.encode([texts[row] for row in chosen]).values.tobytes() == (
            together[chosen].tobytes()
        )


def test_texts_that_fill_what_the_model_reads_are_counted(make_encoder):
    long, short = "card " * 100, "card " * 10
    assert make_encoder("cache").encode([long, short, long]).shortened == 2
    again = make_encoder("cache")
    assert again.encode([short, long]).shortened == 1
    assert "_model" not in vars(again)  # known without loading it


def test_many_texts_keep_their_bits_in_large_batches(make_encoder, monkeypatch):
    from harness.models import encoder as module

    texts = [f"my card {'please ' * (n % 5)}{n}" for n in range(300)]
    few = make_encoder("few").encode(texts).values
    monkeypatch.setattr(module, "MANY_TEXTS", 100)
    sizes = []
    run = module.run_batch
    monkeypatch.setattr(
        module, "run_batch", lambda *given: sizes.append(given[2].size) or run(*given)
    )
    many = make_encoder("many")
    assert many.encode(texts).values.tobytes() == few.tobytes()
    assert many._kept_bits == (max(sizes) > 64)


def test_large_batches_are_not_made_where_bits_change(make_encoder, monkeypatch):
    from harness.models import encoder as module

    run = module.run_batch
    monkeypatch.setattr(module, "run_batch", lambda *given: run(*given) + len(given[1]))
    monkeypatch.setattr(module, "MANY_TEXTS", 1)
    encoder = make_encoder("cache")
    encoder.encode(["my card", "rate"])
    assert encoder._kept_bits is False


def test_a_damaged_limit_is_found_out_again(make_encoder, tmp_path):
    make_encoder("cache").encode(["card"])
    [file] = (tmp_path / "cache").rglob(LIMIT_FILE)
    file.write_text("x")
    assert make_encoder("cache").encode(["card " * 100, "card"]).shortened == 1
    assert file.read_text() == "64"

import json
import os

import pytest

from harness.core.errors import UserError
from harness.models import local
from harness.models.local import check_folder, folder_hashes


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "tokenizer.json").write_text("{}")
    return folder


def test_weights_config_and_tokenizer_count_and_nothing_else(folder):
    before = folder_hashes(folder)
    assert before.keys() == {"config.json", "model.safetensors", "tokenizer.json"}
    (folder / "README.md").write_text("words")
    (folder / "model.json").write_text("{}")
    (folder / "checkpoint-10").mkdir()
    (folder / "checkpoint-10" / "model.safetensors").write_bytes(b"others")
    assert folder_hashes(folder) == before


def test_modules_of_a_sentence_encoder_count(folder):
    before = folder_hashes(folder)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text("{}")
    (folder / "modules.json").write_text(json.dumps([{"path": ""}, {"path": "1_Pooling"}]))
    (folder / "1_Pooling" / "deeper").mkdir()
    (folder / "1_Pooling" / "deeper" / "model.safetensors").write_bytes(b"weights")
    assert folder_hashes(folder).keys() - before.keys() == {
        "modules.json",
        "1_Pooling/config.json",
        "1_Pooling/deeper/model.safetensors",
    }


def test_hashes_are_remembered_until_a_file_changes(folder, monkeypatch):
    before = folder_hashes(folder)
    hashed = []
    real = local.sha256_file
    monkeypatch.setattr(local, "sha256_file", lambda path: hashed.append(path.name) or real(path))
    assert folder_hashes(folder) == before
    assert hashed == []
    weights = folder / "model.safetensors"
    weights.write_bytes(b"WEIGHTS")
    os.utime(weights, ns=(1, 1))  # the same size, another time of change
    assert folder_hashes(folder)["model.safetensors"] != before["model.safetensors"]
    assert hashed == ["model.safetensors"]


@pytest.mark.parametrize("damage", ["", "{", "\xff", "[1]"])
def test_a_damaged_memory_is_only_forgotten(folder, cache, damage):
    before = folder_hashes(folder)
    (cache / "hashes.json").write_text(damage, encoding="latin-1")
    assert folder_hashes(folder) == before


def test_a_folder_without_config_is_no_model(folder):
    (folder / "config.json").unlink()
    with pytest.raises(UserError, match="holds no model"):
        check_folder(folder, "encoder")


def test_pickled_weights_are_refused(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(UserError, match="safetensors") as caught:
        check_folder(folder, "encoder", where="--model")
    assert "pytorch_model.bin" in str(caught.value)
    assert str(caught.value).startswith("--model: ")


@pytest.mark.parametrize("architecture", ["LlamaForCausalLM", "GPT2LMHeadModel", "BertLMHeadModel"])
def test_causal_lms_are_taken(folder, architecture):
    (folder / "config.json").write_text(json.dumps({"architectures": [architecture]}))
    check_folder(folder, "causal_lm")


@pytest.mark.parametrize("architecture", ["BertModel", "BertForMaskedLM", "LlamaModel"])
def test_a_model_without_head_is_no_causal_lm_but_may_be_an_encoder(folder, architecture):
    (folder / "config.json").write_text(json.dumps({"architectures": [architecture]}))
    check_folder(folder, "encoder")
    with pytest.raises(UserError, match=f"architecture {architecture}"):
        check_folder(folder, "causal_lm")


def test_a_config_that_is_not_json_is_named(folder):
    (folder / "config.json").write_text("{")
    with pytest.raises(UserError, match=r"config\.json: this file is not JSON"):
        check_folder(folder, "causal_lm")


@pytest.mark.parametrize("modules", ["[1]", "{}", "3", '["1_Pooling"]'])
def test_modules_of_another_shape_are_named(folder, modules):
    (folder / "modules.json").write_text(modules)
    for check in (lambda: check_folder(folder, "encoder"), lambda: folder_hashes(folder)):
        with pytest.raises(UserError, match=r"modules\.json: these are not the modules"):
            check()


@pytest.mark.parametrize("config", ["[]", "3", '"text"'])
@pytest.mark.parametrize("kind", ["encoder", "causal_lm"])
def test_a_config_of_another_shape_is_named(folder, config, kind):
    (folder / "config.json").write_text(config)
    with pytest.raises(UserError, match=r"config\.json: this is no config"):
        check_folder(folder, kind)


def modules(folder, path, type_="sentence_transformers.models.Dense"):
    (folder / path).mkdir(exist_ok=True)
    (folder / "modules.json").write_text(json.dumps([{"path": path, "type": type_}]))


def test_a_module_with_pickled_weights_alone_is_refused(folder):
    modules(folder, "2_Dense")
    check_folder(folder, "encoder")
    (folder / "2_Dense" / "training_args.bin").touch()
    check_folder(folder, "encoder")
    (folder / "2_Dense" / "pytorch_model.bin").touch()
    with pytest.raises(UserError, match=r"2_Dense: pytorch_model\.bin"):
        check_folder(folder, "encoder")
    (folder / "2_Dense" / "model.safetensors").touch()
    check_folder(folder, "encoder")


@pytest.mark.parametrize("type_", ["custom.Module", "sentence_transformersx.Dense", None])
def test_a_module_with_code_of_its_own_is_refused(folder, type_):
    modules(folder, "2_Dense", type_)
    with pytest.raises(UserError, match="not one of sentence-transformers"):
        check_folder(folder, "encoder")


def test_a_module_outside_the_folder_is_refused(folder):
    modules(folder, "../elsewhere")
    with pytest.raises(UserError, match="leads out of its folder"):
        folder_hashes(folder)

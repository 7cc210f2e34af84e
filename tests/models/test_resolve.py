import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.core.errors import UserError
from harness.core.files import atomic_write
from harness.models import resolve as resolving
from harness.models.catalog import CATALOG
from harness.models.fetch import MARKER, model_folder
from harness.models.hub import HubModel
from harness.models.resolve import check_spec, describe_identity, parse_model_flag, resolve

COMMIT = "a" * 40


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def make_model(folder, architecture="LlamaForCausalLM", weights=b"weights"):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"architectures": [architecture]}))
    (folder / "model.safetensors").write_bytes(weights)
    return folder


def test_flags():
    assert parse_model_flag("causal_lm:smollm2-135m-instruct") == (
        "causal_lm",
        "smollm2-135m-instruct",
    )
    assert parse_model_flag("encoder:C:\\models\\mine") == ("encoder", "C:\\models\\mine")


@pytest.mark.parametrize(
    ("flag", "says"),
    [
        ("all-minilm-l6-v2", "did you mean 'encoder:all-minilm-l6-v2'"),
        ("causal_lm:", "causal_lm:MODEL or encoder:MODEL"),
        ("causal-lm:x", "did you mean 'causal_lm'"),
        ("encoders:x", "did you mean 'encoder'"),
    ],
)
def test_wrong_flags(flag, says):
    with pytest.raises(UserError, match=says):
        parse_model_flag(flag)


def test_a_catalog_name_is_fetched_and_known_before(monkeypatch, tmp_path):
    monkeypatch.setattr(resolving, "fetch", lambda model: tmp_path / model.name)
    found = resolve("all-minilm-l6-v2", "encoder")
    assert found.folder == tmp_path / "all-minilm-l6-v2"
    assert found.name == found.spec == "all-minilm-l6-v2"
    assert found.identity == describe_identity("all-minilm-l6-v2", "encoder")


def test_a_converted_model_is_known_by_the_weights_that_conversion_gave():
    model = CATALOG["smollm2-135m-instruct"]
    assert describe_identity(model.name, model.kind) is None
    folder = model_folder(model)
    identities = set()
    for sha256 in ("1" * 64, "2" * 64):
        atomic_write(folder / "model.safetensors", "weights")
        files = {"model.safetensors": {"sha256": sha256, "bytes": 7}}
        atomic_write(folder / MARKER, json.dumps({"files": files}))
        found = resolve(model.name, model.kind)
        assert found.folder == folder
        assert found.identity == describe_identity(model.name, model.kind)
        identities.add(found.identity)
    assert len(identities) == 2


MINILM = "sha256:0cfc83afb449f81d5535c4f5d76b097ee7074a09fdb02ad94ea5bb3c282e01f6/float32"


def test_the_identity_of_a_copied_model_stays_what_it_is():
    """Results on disk are found again by it: a change makes every kept output worthless."""
    assert describe_identity("all-minilm-l6-v2", "encoder") == MINILM


def test_a_catalog_model_of_the_other_kind_is_refused():
    with pytest.raises(UserError, match="is of kind encoder, not causal_lm") as caught:
        check_spec("all-minilm-l6-v2", "causal_lm")
    assert "smollm2-135m-instruct" in str(caught.value)


def test_a_folder_has_the_identity_of_its_content(tmp_path):
    first = make_model(tmp_path / "first")
    second = make_model(tmp_path / "second")
    other = make_model(tmp_path / "other", weights=b"WEIGHTS")
    found = resolve(str(first), "causal_lm")
    assert (found.name, found.folder) == ("first", first)
    assert found.identity == describe_identity(str(second), "causal_lm")
    assert found.identity != describe_identity(str(other), "causal_lm")


def test_a_relative_folder_has_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(make_model(tmp_path / "mine"))
    assert resolve(".", "causal_lm").name == "mine"


def test_a_hub_id_is_resolved_to_its_commit(tmp_path, monkeypatch):
    snapshot = make_model(tmp_path / COMMIT)
    monkeypatch.setattr(HubModel, "download", lambda _: (snapshot, COMMIT))
    found = resolve("org/name", "causal_lm")
    assert found.identity == f"hub:org/name@{COMMIT}/float32"
    assert (found.name, found.folder) == ("org/name", snapshot)
    assert describe_identity("org/name", "causal_lm") is None  # nothing was pinned
    assert describe_identity(f"org/name@{COMMIT}", "causal_lm") == found.identity


def test_a_hub_model_without_safetensors_is_refused(tmp_path, monkeypatch):
    snapshot = make_model(tmp_path / COMMIT)
    (snapshot / "model.safetensors").unlink()
    monkeypatch.setattr(HubModel, "download", lambda _: (snapshot, COMMIT))
    with pytest.raises(UserError, match="safetensors"):
        resolve("org/name", "causal_lm")


def test_a_folder_goes_before_a_hub_id_of_the_same_spelling(tmp_path):
    make_model(tmp_path / "here" / "org" / "name")
    identity = describe_identity("org/name", "causal_lm")
    assert identity is not None
    assert identity.startswith("sha256:")
    shutil.rmtree(tmp_path / "here" / "org")
    assert describe_identity("org/name", "causal_lm") is None


@pytest.mark.parametrize(
    "spec", ["all-minilm-l6", "./absent", "/absent/model", "org/file.gguf", "a/b/c"]
)
def test_what_names_nothing_is_refused_with_all_forms(spec, tmp_path):
    (tmp_path / "here" / "org").mkdir()
    (tmp_path / "here" / "org" / "file.gguf").write_text("")
    with pytest.raises(UserError) as caught:
        check_spec(spec, "encoder", where="--model")
    message = str(caught.value)
    for part in ("--model: ", "smollm2-135m-instruct", "organisation/name", "config.json"):
        assert part in message
    assert ("did you mean 'all-minilm-l6-v2'?" in message) == (spec == "all-minilm-l6")


def test_resolving_loads_no_heavy_library(tmp_path):
    folder = make_model(tmp_path / "model")
    code = (
        "import sys\n"
        "from harness.models import device, fetch, resolve\n"
        f"resolve.resolve({str(folder)!r}, 'causal_lm')\n"
        "resolve.describe_identity('all-minilm-l6-v2', 'encoder')\n"
        "resolve.describe_identity('org/name', 'encoder')\n"
        "heavy = {'torch', 'transformers', 'huggingface_hub', 'pandas', 'numpy'}\n"
        "print(sorted(heavy & sys.modules.keys()))\n"
    )
    root = Path(resolving.__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert done.stdout.strip() == "[]", done.stderr

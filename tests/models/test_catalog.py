import re

import pytest

from harness.core.errors import UserError
from harness.models import catalog
from harness.models.catalog import CATALOG, DEFAULTS, KINDS


@pytest.mark.parametrize("model", CATALOG.values(), ids=CATALOG)
def test_every_entry_pins_its_wheel_and_each_file(model):
    digests = [model.wheel_sha256, *model.files.values()]
    assert all(re.fullmatch("[0-9a-f]{64}", digest or "") for digest in digests)
    assert model.prepare != "gguf" or [path.endswith(".gguf") for path in model.files] == [True]
    assert model.prepare != "copy" or {"config.json", "model.safetensors"} <= model.files.keys()
    assert model.original.count("/") == 1


def test_every_kind_has_a_default_of_its_kind():
    assert set(DEFAULTS) == set(KINDS)
    assert all(catalog.default(kind).kind == kind for kind in KINDS)


def test_unknown_names_list_what_exists_and_the_nearest():
    with pytest.raises(UserError) as caught:
        catalog.get("smollm2-135m-instuct", where="--model")
    assert "did you mean 'smollm2-135m-instruct'?" in str(caught.value)
    assert "all-minilm-l6-v2" in str(caught.value)
    assert str(caught.value).startswith("--model: ")


def test_kinds_are_checked_with_the_nearest_spelling():
    assert catalog.check_kind("encoder") == "encoder"
    with pytest.raises(UserError, match="did you mean 'causal_lm'"):
        catalog.check_kind("causal-lm")


def test_the_short_hash_changes_with_every_pin():
    import dataclasses

    model = CATALOG["all-minilm-l6-v2"]
    changes = {
        "package": "other",
        "package_version": "9",
        "wheel_sha256": "0" * 64,
        "wheel_folder": "other",
        "files": {"config.json": "0" * 64},
        "prepare": "gguf",
    }
    others = [dataclasses.replace(model, **{name: value}) for name, value in changes.items()]
    assert len({model.short_hash, *(other.short_hash for other in others)}) == len(changes) + 1
    assert dataclasses.replace(model, summary="other words").short_hash == model.short_hash

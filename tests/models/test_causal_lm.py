import json
import shutil

import numpy as np
import pytest

from harness.core.types import Cost
from harness.models import causal_lm as module
from harness.models.base import PromptText
from harness.models.causal_lm import LocalCausalLM
from harness.models.likelihood.plain import PlainScorer
from harness.models.likelihood.tokens import tokenise_prompt
from harness.models.likelihood.trie import build_trie
from harness.models.outputs import content_key
from harness.models.resolve import resolve

LABELS = [" lost card", " lost card abroad", " top up", " exchange rate", " Zürich"]
HEAD = "Say what the customer wants.\n\nMessage: top up with cash\nIntent: top up\n\n"
OTHER = "Message: the rate is wrong\nIntent: exchange rate\n\n"


def prompts(head=HEAD, count=5):
    return [PromptText(head, f"Message: my card number {row} is lost\nIntent:")
            for row in range(count)]  # fmt: skip


@pytest.fixture
def make_lm(tiny_causal_lm_folder, tmp_path):
    def make(cache, folder=tiny_causal_lm_folder):
        return LocalCausalLM(resolve(str(folder), "causal_lm"), tmp_path / cache)

    return make


def own_tokens(lm, prompt, labels=LABELS):
    """What a prompt should cost: its tokens after the head's, and the trie's inner nodes."""
    tokenised = tokenise_prompt(lm.tokenizer, prompt.text, labels)
    kept = max(len(lm.tokenizer(prompt.head)["input_ids"]) - 1, 0)
    return len(tokenised.context) - kept + len(build_trie(tokenised.continuations).tokens)


def test_equals_transformers(tiny_causal_lm, tiny_causal_lm_folder):
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_causal_lm_folder).eval()
    asked = [*prompts(count=2), PromptText("", "Intent:"), *prompts(OTHER, count=1)]
    values = tiny_causal_lm.label_loglikelihoods(asked, LABELS).values
    assert values.shape == (4, 5)
    assert values.dtype == np.float32
    for prompt, row in zip(asked, values, strict=True):
        context = tiny_causal_lm.tokenizer(prompt.text)["input_ids"]
        for label, value in zip(LABELS, row, strict=True):
            ids = tiny_causal_lm.tokenizer(prompt.text + label)["input_ids"]
            with torch.inference_mode():
                logs = model(torch.tensor([ids])).logits[0].log_softmax(-1)
            steps = [logs[place - 1, ids[place]] for place in range(len(context), len(ids))]
            assert value == pytest.approx(float(sum(steps)), abs=1e-4)


def test_a_head_is_run_once_and_a_prompt_runs_its_own(tiny_causal_lm):
    lm, asked = tiny_causal_lm, [*prompts(count=4), *prompts(OTHER, count=3)]
    costs = lm.label_loglikelihoods(asked, LABELS).costs
    heads = {head: len(lm.tokenizer(head)["input_ids"]) - 1 for head in (HEAD, OTHER)}
    own = {content_key(prompt.head, prompt.tail): own_tokens(lm, prompt) for prompt in asked}
    assert lm.prompts_run == 7
    assert lm.tokens_run == sum(heads.values()) + sum(own.values())
    expected = own | {content_key(head): tokens for head, tokens in heads.items()}
    assert {key: cost.tokens for key, cost in costs.items()} == expected
    assert all(cost.seconds > 0 for cost in costs.values())


def test_prompts_of_mixed_heads_come_back_in_order(make_lm):
    mixed = [prompt for pair in zip(prompts(), prompts(OTHER), strict=True) for prompt in pair]
    values = make_lm("mixed").label_loglikelihoods(mixed, LABELS).values
    apart = make_lm("apart")
    first = apart.label_loglikelihoods(prompts(), LABELS).values
    second = apart.label_loglikelihoods(prompts(OTHER), LABELS).values
    assert values[::2].tobytes() == first.tobytes()
    assert values[1::2].tobytes() == second.tobytes()


def test_same_bits_whatever_else_is_asked_for(make_lm):
    asked = [*prompts(count=6), *prompts(OTHER, count=3), PromptText("", "Intent:")]
    together = make_lm("all").label_loglikelihoods(asked, LABELS).values
    for trial, chosen in enumerate([[0], [5, 2], [8, 3, 9], [9], [7, 0, 6, 1]]):
        some = make_lm(f"trial {trial}").label_loglikelihoods(
            [asked[row] for row in chosen], LABELS
        )
        assert some.values.tobytes() == together[chosen].tobytes()


def test_what_was_scored_is_not_scored_again(make_lm):
    first = make_lm("cache")
    outputs = first.label_loglikelihoods(prompts(count=3), LABELS)
    tokens = first.tokens_run
    twice = [*prompts(count=3), *prompts(count=3)]
    assert (
        first.label_loglikelihoods(twice, LABELS).values[3:].tobytes() == outputs.values.tobytes()
    )
    assert first.tokens_run == tokens
    second = make_lm("cache")
    more = second.label_loglikelihoods(prompts(count=4), LABELS)
    assert second.prompts_run == 1
    assert more.values[:3].tobytes() == outputs.values.tobytes()
    assert outputs.costs.items() <= more.costs.items()  # at the price of the first computation
    assert "_scorer" not in make_lm("cache").__dict__


def test_a_second_session_does_not_charge_the_head_again(make_lm, monkeypatch):
    make_lm("cache").label_loglikelihoods(prompts(count=1), LABELS)
    second = make_lm("cache")
    keep = second._scorer.keep_prefix

    def slowly(prefix):
        run = keep(prefix)
        clock.now += 1000.0 * bool(run)
        return run

    class Clock:
        now = 0.0

        def perf_counter(self):
            self.now += 0.25
            return self.now

        def monotonic(self):
            return 0.0

    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(second._scorer, "keep_prefix", slowly)
    costs = second.label_loglikelihoods(prompts(count=2), LABELS).costs
    assert clock.now > 1000
    new = prompts(count=2)[1]
    assert 0 < costs[content_key(new.head, new.tail)].seconds < 10


def test_other_labels_are_other_outputs(tiny_causal_lm):
    first = tiny_causal_lm.label_loglikelihoods(prompts(count=1), LABELS).values
    turned = tiny_causal_lm.label_loglikelihoods(prompts(count=1), LABELS[::-1]).values
    assert tiny_causal_lm.prompts_run == 2
    np.testing.assert_allclose(turned[:, ::-1], first, rtol=0, atol=1e-5)


def test_an_interruption_keeps_what_was_scored(make_lm, monkeypatch):
    lm, score = make_lm("cache"), LocalCausalLM._score
    asked = prompts(count=6)
    expected = make_lm("other").label_loglikelihoods(asked, LABELS).values

    def interrupted(self, *arguments):
        if self.prompts_run == 4:
            raise KeyboardInterrupt
        return score(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(LocalCausalLM, "_score", interrupted)
        with pytest.raises(KeyboardInterrupt):
            lm.label_loglikelihoods(asked, LABELS)
    again = make_lm("cache")
    assert again.label_loglikelihoods(asked, LABELS).values.tobytes() == expected.tobytes()
    assert again.prompts_run == 2


def test_long_work_is_kept_as_it_goes(tiny_causal_lm, monkeypatch, cache):
    monkeypatch.setattr(module, "FLUSH_SECONDS", 0.0)
    tiny_causal_lm.label_loglikelihoods(prompts(count=4), LABELS)
    assert len(list(cache.rglob("*.safetensors"))) == 4 + 1  # a file each, and the head's


@pytest.mark.parametrize("what", ["loglikelihoods", "heads"])
def test_a_damaged_file_is_computed_again(make_lm, tmp_path, what):
    first = make_lm("cache")
    outputs = first.label_loglikelihoods(prompts(count=2), LABELS)
    labels = LABELS if what == "loglikelihoods" else ()
    [file] = first._store(what, labels).folder.iterdir()
    file.write_bytes(file.read_bytes()[:-1])
    second = make_lm("cache")
    again = second.label_loglikelihoods(prompts(count=2), LABELS)
    assert again.values.tobytes() == outputs.values.tobytes()
    assert {key: cost.tokens for key, cost in again.costs.items()} == {
        key: cost.tokens for key, cost in outputs.costs.items()
    }
    assert second.prompts_run == (2 if what == "loglikelihoods" else 0)


@pytest.mark.parametrize(("before", "after"), [("<s>", ""), ("<s>", "</s>"), ("", "</s>")])
def test_tokenizers_that_add_tokens(make_lm, make_tokenizer, copy_of, before, after):
    """The end of a text is never scored, and a head is still run once."""
    lm = make_lm("cache", copy_of(make_tokenizer(before=before, after=after)))
    bare = make_lm("bare", copy_of(make_tokenizer()))
    asked = prompts(count=3)
    values = lm.label_loglikelihoods(asked, LABELS).values
    begun = [PromptText(before + prompt.head, prompt.tail) for prompt in asked]
    expected = bare.label_loglikelihoods(begun, LABELS).values
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-4)
    assert lm.tokens_run == bare.tokens_run


@pytest.fixture
def copy_of(tiny_causal_lm_folder, tmp_path):
    numbers = iter(range(9))

    def copy(tokenizer):
        folder = shutil.copytree(tiny_causal_lm_folder, tmp_path / f"copy {next(numbers)}")
        tokenizer.save_pretrained(folder)
        return folder

    return copy


def test_a_label_that_merges_with_the_prompt(make_lm):
    lm = make_lm("cache")
    merging = PromptText(HEAD, "Message: gone\nIntent: l")
    values = lm.label_loglikelihoods([merging], ["ost card", " top up"]).values
    plain = make_lm("plain")
    plain._scorer = PlainScorer(lm._scorer.model)
    expected = plain.label_loglikelihoods([merging], ["ost card", " top up"]).values
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-4)


def test_a_tail_that_merges_with_its_head(make_lm):
    """Where the head's last tokens change, less of it is shared, and the numbers stay right."""
    lm = make_lm("cache")
    asked = [PromptText("Message: my card is los", tail) for tail in ("t\nIntent:", " it\nIntent:")]
    values = lm.label_loglikelihoods(asked, LABELS).values
    whole = [PromptText("", prompt.text) for prompt in asked]
    expected = make_lm("whole").label_loglikelihoods(whole, LABELS).values
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-4)


def test_how_much_it_reads(tiny_causal_lm):
    assert tiny_causal_lm.context_tokens == 256
    assert tiny_causal_lm.count_tokens("my card") == len(
        tiny_causal_lm.tokenizer("my card")["input_ids"]
    )


def test_an_architecture_without_a_limit_is_bounded_by_its_tokenizer(
    make_lm, save_causal_lm, make_tokenizer, tmp_path
):
    from transformers import BloomConfig

    tokenizer = make_tokenizer()
    tokenizer.model_max_length = 99
    config = BloomConfig(vocab_size=len(tokenizer), hidden_size=32, n_layer=2, n_head=4)
    folder = save_causal_lm(tmp_path / "bloom", config, tokenizer=tokenizer)
    lm = make_lm("cache", folder)
    assert lm.context_tokens == 99
    outputs = lm.label_loglikelihoods(prompts(count=2), LABELS)  # one label at a time
    assert outputs.costs[content_key(HEAD)].tokens == 0
    tokenised = tokenise_prompt(lm.tokenizer, prompts()[0].text, LABELS)
    run = sum(len(tokenised.context) + len(label) - 1 for label in tokenised.continuations)
    assert outputs.costs[content_key(HEAD, prompts()[0].tail)].tokens == run


def test_another_model_is_not_mistaken_for_it(make_lm, copy_of, make_tokenizer):
    folder = copy_of(make_tokenizer())
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"rms_norm_eps": 0.1}))
    first = make_lm("cache").label_loglikelihoods(prompts(count=1), LABELS).values
    other = make_lm("cache", folder)
    assert np.abs(other.label_loglikelihoods(prompts(count=1), LABELS).values - first).max() > 1e-3
    assert other.prompts_run == 1


def test_costs_add_up():
    assert Cost(1.5, 2) + Cost(0.5, 3) == Cost(2.0, 5)

import json
import shutil

import numpy as np
import pytest

from harness.core.errors import UserError
from harness.core.types import Cost
from harness.models.base import Message, PromptText
from harness.models.causal_lm import LocalCausalLM, SlowScoringWarning
from harness.models.likelihood.tokens import PromptTokeniser
from harness.models.likelihood.trie import build_trie
from harness.models.outputs import content_key
from harness.models.resolve import resolve

LABELS = (" lost card", " lost card abroad", " top up", " exchange rate", " Zürich")
INSTRUCTION = "Say what the customer wants, in two or three words, as in these messages.\n\n"
SHOWN = ("Message: top up with cash, but how?\nIntent: top up\n\n",
         "Message: the rate is wrong today\nIntent: exchange rate\n\n")  # fmt: skip


def prompts(*shown, count=5, first=0):
    return [PromptText((INSTRUCTION, *shown, f"Message: my card number {row} is lost\nIntent:"))
            for row in range(first, first + count)]  # fmt: skip


def score(lm, prompts, labels=LABELS):
    return lm.label_loglikelihoods(prompts, [labels] * len(prompts))


@pytest.fixture
def make_lm(tiny_causal_lm_folder, tmp_path):
    def make(cache, folder=tiny_causal_lm_folder):
        return LocalCausalLM(resolve(str(folder), "causal_lm"), tmp_path / cache)

    return make


@pytest.fixture
def copy_of(tiny_causal_lm_folder, tmp_path):
    """Saves the tiny model once more, with another tokenizer."""
    numbers = iter(range(9))

    def copy(tokenizer):
        folder = shutil.copytree(tiny_causal_lm_folder, tmp_path / f"copy {next(numbers)}")
        tokenizer.save_pretrained(folder)
        return folder

    return copy


def tokens_of(lm, text):
    return len(lm.tokenizer(text)["input_ids"])


def inner_nodes(lm, labels=LABELS):
    after = PromptTokeniser(lm.tokenizer).tokenise(["Intent:"], labels).continuations
    return len(build_trie(after).tokens)


def test_equals_transformers(tiny_causal_lm, tiny_causal_lm_folder):
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_causal_lm_folder).eval()
    asked = [*prompts(count=2), PromptText(("Intent:",)), *prompts(*SHOWN, count=1)]
    values = score(tiny_causal_lm, asked).values
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


def test_what_all_share_is_run_once(tiny_causal_lm):
    lm, asked = tiny_causal_lm, prompts(SHOWN[0], count=4)
    costs = score(lm, asked).costs
    head = INSTRUCTION + SHOWN[0]
    kept = tokens_of(lm, head) - 1
    own = {prompt.text: tokens_of(lm, prompt.text) - kept + inner_nodes(lm) for prompt in asked}
    assert (lm.prompts_run, lm.tokens_run) == (4, kept + sum(own.values()))
    assert costs[content_key(head)].tokens == kept
    rest = [cost.tokens for key, cost in costs.items() if key != content_key(head)]
    assert rest == list(own.values())
    assert all(cost.seconds > 0 for cost in costs.values())
    score(lm, asked)
    assert (lm.prompts_run, lm.tokens_run) == (4, kept + sum(own.values()))


def test_what_groups_share_is_run_once_for_each(tiny_causal_lm):
    """As nearest demonstrations: all begin alike, most go on alike, half of these further."""
    lm = tiny_causal_lm
    asked = [*prompts(*SHOWN, count=8), *prompts(SHOWN[0], count=8, first=8),
             *prompts(SHOWN[1], count=1, first=16)]  # fmt: skip
    costs = score(lm, asked).costs
    ends = [tokens_of(lm, INSTRUCTION + "".join(SHOWN[:count])) - 1 for count in range(3)]
    nodes = inner_nodes(lm)
    own = [tokens_of(lm, prompt.text) + nodes - ends[kept]
           for prompt, kept in zip(asked, [2] * 8 + [1] * 8 + [0], strict=True)]  # fmt: skip
    assert lm.tokens_run == ends[2] + sum(own)
    heads = [(INSTRUCTION,), (INSTRUCTION, SHOWN[0]), (INSTRUCTION, *SHOWN)]
    assert [costs[content_key(*head)].tokens for head in heads] == [
        ends[0], ends[1] - ends[0], ends[2] - ends[1],
    ]  # fmt: skip
    assert len(costs) == len(heads) + len(asked)


def test_prompts_come_back_in_the_order_they_were_asked_in(make_lm):
    pairs = zip(prompts(SHOWN[0]), prompts(SHOWN[1]), strict=True)
    mixed = [prompt for pair in pairs for prompt in pair]
    values = score(make_lm("mixed"), mixed).values
    for at, shown in enumerate(SHOWN):
        apart = score(make_lm(f"apart {at}"), prompts(shown)).values
        np.testing.assert_allclose(values[at::2], apart, rtol=0, atol=1e-4)


def test_the_same_bits_whatever_else_is_asked_for(make_lm):
    asked = prompts(SHOWN[0], count=9)
    together = score(make_lm("all"), asked).values
    for trial, chosen in enumerate([[0], [5, 2], [8, 3, 7], [4, 4]]):
        some = score(make_lm(f"trial {trial}"), [asked[row] for row in chosen]).values
        assert some.tobytes() == together[chosen].tobytes()


def test_label_sets_of_other_sizes_for_every_row(make_lm):
    sets = [LABELS, LABELS[:2], (" top up",), LABELS[:2], LABELS[::-1]]
    asked = prompts(count=5)
    lm = make_lm("ragged")
    outputs = lm.label_loglikelihoods(asked, sets)
    whole = score(make_lm("whole"), asked).values
    assert outputs.values.shape == (5, 5)
    for row, (labels, values) in enumerate(zip(sets, outputs.values, strict=True)):
        expected = [whole[row, LABELS.index(label)] for label in labels]
        np.testing.assert_allclose(values[: len(labels)], expected, rtol=0, atol=1e-4)
        assert (values[len(labels) :] == -np.inf).all()
    assert len(outputs.costs) == 5 + 1
    assert lm.label_loglikelihoods(asked, sets).values.tobytes() == outputs.values.tobytes()
    assert lm.prompts_run == 5


def test_nothing_asked_is_nothing_run(make_lm):
    lm = make_lm("cache")
    assert score(lm, []).values.shape[0] == 0
    assert lm.continuation_lengths([], []).shape[0] == 0
    assert "engine" not in vars(lm)


@pytest.mark.parametrize(("before", "after"), [("<s>", ""), ("<s>", "</s>"), ("", "</s>")])
def test_tokenizers_that_add_tokens(make_lm, make_tokenizer, copy_of, before, after):
    """The end of a text is never scored, and what prompts share is still run once."""
    folder = copy_of(make_tokenizer(before=before, after=after))
    bare = make_lm("bare", copy_of(make_tokenizer()))
    asked = prompts(count=3)
    begun = [PromptText((before + prompt.pieces[0], *prompt.pieces[1:])) for prompt in asked]
    expected = score(bare, begun).values
    for cache, texts in (("asked", asked), ("begun", begun)):  # a beginning of their own is enough
        lm = make_lm(cache, folder)
        np.testing.assert_allclose(score(lm, texts).values, expected, rtol=0, atol=1e-4)
        assert lm.tokens_run == bare.tokens_run


def test_parts_and_labels_that_merge(make_lm):
    """Where a part's last tokens change, less of it is shared, and the numbers stay right."""
    labels = ("ost card", " top up", "l")
    pieces = [("Message: my card is los", end, "Intent: l") for end in ("t\n", " it\n")]
    values = score(make_lm("cut"), [PromptText(each) for each in pieces], labels).values
    whole = [PromptText(("".join(each),)) for each in pieces]
    expected = score(make_lm("whole"), whole, labels).values
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-4)


def test_tokens_of_each_continuation(tiny_causal_lm):
    lm = tiny_causal_lm
    asked = [PromptText(("Intent:",)), PromptText(("Message: gone\n", "Intent: l"))]
    lengths = lm.continuation_lengths(asked, [LABELS[:3], ("ost card",)])
    assert lengths.dtype == np.int64
    assert lengths[0].tolist() == [tokens_of(lm, label) for label in LABELS[:3]]
    merged = PromptTokeniser(lm.tokenizer).tokenise([asked[1].text], ("ost card",))
    assert lengths[1].tolist() == [len(merged.continuations[0]), 1, 1]


def test_how_much_it_reads(tiny_causal_lm):
    assert tiny_causal_lm.context_tokens == 256
    assert tiny_causal_lm.count_tokens("my card") == tokens_of(tiny_causal_lm, "my card")


def test_an_architecture_that_takes_no_tree_and_has_no_limit(
    make_lm, save_causal_lm, make_tokenizer, tmp_path
):
    from transformers import BloomConfig

    tokenizer = make_tokenizer()
    tokenizer.model_max_length = 99
    config = BloomConfig(vocab_size=len(tokenizer), hidden_size=32, n_layer=2, n_head=4)
    lm = make_lm("cache", save_causal_lm(tmp_path / "bloom", config, tokenizer=tokenizer))
    assert lm.context_tokens == 99
    with pytest.warns(SlowScoringWarning, match="bloom: this architecture does not"):
        score(lm, prompts(count=2))
    tokenise = PromptTokeniser(lm.tokenizer).tokenise
    asked = [tokenise(prompt.pieces, LABELS) for prompt in prompts(count=2)]
    own = [len(one.own) + sum(len(label) - 1 for label in one.continuations) for one in asked]
    assert lm.tokens_run == asked[0].cuts[0] + sum(own)


def test_another_model_is_not_mistaken_for_it(make_lm, copy_of, make_tokenizer):
    folder = copy_of(make_tokenizer())
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"rms_norm_eps": 0.1}))
    first = score(make_lm("cache"), prompts(count=1)).values
    other = make_lm("cache", folder)
    assert np.abs(score(other, prompts(count=1)).values - first).max() > 1e-3
    assert other.prompts_run == 1


TEMPLATE = (
    "{% for message in messages %}{% if message['role'] == 'system' and not loop.first %}"
    "{{ raise_exception('the system speaks first') }}{% endif %}"
    "<{{ message['role'] }}>{{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
SYSTEM, USER = Message("system", "Be brief."), Message("user", "Hi?")
ANSWER = Message("assistant", "Yes")


@pytest.fixture
def chat_lm(make_lm, make_tokenizer, copy_of):
    tokenizer = make_tokenizer()
    tokenizer.chat_template = TEMPLATE
    return make_lm("chat", copy_of(tokenizer))


def test_a_conversation_as_text(chat_lm):
    assert chat_lm.chat_text([USER]) == "<user>Hi?\n<assistant>"
    assert chat_lm.chat_text([SYSTEM, USER]) == "<system>Be brief.\n<user>Hi?\n<assistant>"
    assert chat_lm.chat_text([USER, ANSWER]) == "<user>Hi?\n<assistant>Yes\n"


def test_a_template_that_refuses_is_the_users_to_know(chat_lm):
    with pytest.raises(UserError, match="the system speaks first") as caught:
        chat_lm.chat_text([USER, SYSTEM])
    assert "user, system" in str(caught.value)


def test_a_model_that_does_not_chat(tiny_causal_lm):
    with pytest.raises(UserError, match="has no chat template") as caught:
        tiny_causal_lm.chat_text([USER])
    assert "--chat" in str(caught.value)


def test_costs_add_up():
    assert Cost(1.5, 2) + Cost(0.5, 3) == Cost(2.0, 5)

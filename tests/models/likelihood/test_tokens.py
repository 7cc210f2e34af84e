import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import UserError
from harness.models.likelihood.plain import PlainScorer
from harness.models.likelihood.tokens import TokenisedPrompt, tokenise, tokenise_prompt

LABELS = [" lost card", " lost card abroad", " top up", " Zürich", " 丢失的卡", " 🙂", "ed"]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
AROUND = [("", ""), ("<s>", ""), ("", "</s>"), ("<s>", "</s>"), ("<s>", "</s> </s>")]


@pytest.fixture(scope="module", params=AROUND, ids=["bare", "BOS", "EOS", "BOS+EOS", "BOS+2xEOS"])
def tokenizer(request, make_tokenizer):
    before, after = request.param
    return make_tokenizer(before=before, after=after)


@pytest.fixture(scope="module")
def bare(make_tokenizer):
    return make_tokenizer()


@pytest.mark.parametrize(
    "prompt", ["Message: my card is lost\nIntent:", "", " ", "Intent: ", "Message: los", "été\n\n"]
)
def test_context_and_continuation_are_the_whole_text(tokenizer, prompt):
    tokenised = tokenise_prompt(tokenizer, prompt, LABELS)
    whole = tokenise(tokenizer, [prompt + label for label in LABELS])
    begun = [[*tokenised.context, *after] for after in tokenised.continuations]
    begins_itself = len({ids[0] for ids in whole}) == 1  # else a special token has to
    assert begun == [[*([] if begins_itself else [1]), *ids] for ids in whole]
    assert all(tokenised.continuations)
    assert all(2 not in after for after in tokenised.continuations)  # no label ends the text


def test_a_label_that_does_not_merge_is_cut_where_the_prompt_ends(tokenizer):
    prompt = "Message: top up\nIntent:"
    tokenised = tokenise_prompt(tokenizer, prompt, [" lost card", " top up"])
    assert list(tokenised.context) == tokenise(tokenizer, [prompt])[0]


def test_a_label_that_merges_moves_the_cut_for_all(bare):
    prompt, labels = "Intent: l", ["ost card", " top up"]
    own = bare(prompt)["input_ids"]
    merged = bare(prompt + labels[0])["input_ids"]
    assert merged[: len(own)] != own  # the prompt's last token is gone, or this tests nothing
    tokenised = tokenise_prompt(bare, prompt, labels)
    assert len(tokenised.context) < len(own)
    assert [bare.decode([*tokenised.context, *after]) for after in tokenised.continuations] == [
        prompt + label for label in labels
    ]


@given(prompt=TEXTS, labels=st.lists(TEXTS.filter(bool), min_size=1, max_size=4))
def test_any_text(bare, prompt, labels):
    tokenised = tokenise_prompt(bare, prompt, labels)
    assert tokenised.context
    for label, after in zip(labels, tokenised.continuations, strict=True):
        assert after
        ids = [token for token in (*tokenised.context, *after) if token != bare.bos_token_id]
        assert bare.decode(ids) == prompt + label


def test_without_a_first_token_the_last_one_begins(make_tokenizer):
    tokenizer = make_tokenizer(special={"eos_token": "</s>"})
    assert tokenise_prompt(tokenizer, "", [" a", " b"]).context == (2,)


def test_nothing_to_begin_with(make_tokenizer):
    tokenizer = make_tokenizer(special={})
    assert tokenise_prompt(tokenizer, "I", [" a", " b"]).context
    with pytest.raises(UserError, match="no tokens before the label"):
        tokenise_prompt(tokenizer, "", [" a", " b"])


def test_a_label_that_the_tokenizer_drops_is_refused(make_tokenizer):
    from tokenizers import normalizers

    tokenizer = make_tokenizer()
    tokenizer.backend_tokenizer.normalizer = normalizers.Replace("#", "")
    with pytest.raises(UserError, match="leaves nothing") as caught:
        tokenise_prompt(tokenizer, "Intent:", [" lost", "##"])
    assert "'##'" in str(caught.value)
    assert "verbalizer" in str(caught.value)


def test_probabilities_of_all_endings_add_up_to_one(llama):
    """After a context, every sequence of one token or of one token and another is a label."""
    size = llama.config.vocab_size
    single = tuple((token,) for token in range(1, size))
    double = tuple((0, token) for token in range(size))
    values, _ = PlainScorer(llama).score(TokenisedPrompt((5, 6, 7), (*single, *double)))
    assert math.fsum(np.exp(values.astype(np.float64))) == pytest.approx(1, abs=1e-5)

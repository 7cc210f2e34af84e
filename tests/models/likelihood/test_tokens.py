import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import UserError
from harness.models.likelihood.tokens import PromptTokeniser, TokenisedPrompt

LABELS = (" lost card", " lost card abroad", " top up", " Zürich", " 丢失的卡", " 🙂", "ed")
AROUND = [("", ""), ("<s>", ""), ("", "</s>"), ("<s>", "</s>"), ("<s>", "</s> </s>")]
BOS, EOS = 1, 2
PROMPT = "Message: my card is lost\nIntent:"
ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@pytest.fixture(scope="module", params=AROUND, ids=["bare", "BOS", "EOS", "BOS+EOS", "BOS+2xEOS"])
def tokenizer(request, make_tokenizer):
    before, after = request.param
    return make_tokenizer(before=before, after=after)


@pytest.fixture(scope="module")
def bare(make_tokenizer):
    return make_tokenizer()


def plain_ids(tokenizer, text):
    return tuple(tokenizer(text, add_special_tokens=False)["input_ids"])


@pytest.mark.parametrize(
    "text", [PROMPT, "", " ", "\n", " \n\t ", "Intent: ", "Message: los", "été\n\n", "🙂\n丢:"]
)
def test_context_and_continuation_are_the_whole_text(tokenizer, text):
    tokenised = PromptTokeniser(tokenizer).tokenise([text], LABELS)
    whole = [plain_ids(tokenizer, text + label) for label in LABELS]
    nothing_shared = len({ids[0] for ids in whole}) > 1
    begins = (BOS,) if nothing_shared or tokenizer("a")["input_ids"][0] == BOS else ()
    for ids, after in zip(whole, tokenised.continuations, strict=True):
        assert after
        assert (*tokenised.context, *after) == (*begins, *ids)


def test_a_label_that_does_not_merge_is_cut_where_the_prompt_ends(tokenizer):
    tokenised = PromptTokeniser(tokenizer).tokenise([PROMPT], (" lost card", " top up"))
    own = plain_ids(tokenizer, PROMPT)
    assert tokenised.context[-len(own) :] == own
    assert tokenised.continuations[0] == plain_ids(tokenizer, " lost card")


@pytest.mark.parametrize("before", ["", "Message: gone\n"], ids=["one line", "two lines"])
def test_a_label_that_merges_moves_the_cut_for_all(bare, before):
    text, labels = f"{before}Intent: l", ("ost card", " top up")
    own = plain_ids(bare, text)
    merged = plain_ids(bare, text + labels[0])
    assert merged[: len(own)] != own  # the prompt's last token is gone, or this tests nothing
    tokenised = PromptTokeniser(bare).tokenise([text], labels)
    assert len(tokenised.context) < len(own)
    assert [bare.decode([*tokenised.context, *after]) for after in tokenised.continuations] == [
        text + label for label in labels
    ]


@given(text=ANY, labels=st.lists(ANY.filter(bool), min_size=1, max_size=4))
def test_any_text(bare, text, labels):
    tokenised = PromptTokeniser(bare).tokenise([text], tuple(labels))
    assert tokenised.context
    for label, after in zip(labels, tokenised.continuations, strict=True):
        assert after
        ids = [token for token in (*tokenised.context, *after) if token != BOS]
        assert bare.decode(ids) == text + label


def test_without_a_first_token_the_last_one_begins(make_tokenizer):
    tokeniser = PromptTokeniser(make_tokenizer(special={"eos_token": "</s>"}))
    assert tokeniser.tokenise([""], (" a", " b")).context == (EOS,)


def test_nothing_to_begin_with(make_tokenizer):
    tokeniser = PromptTokeniser(make_tokenizer(special={}))
    assert tokeniser.tokenise(["I"], (" a", " b")).context
    with pytest.raises(UserError, match="no tokens before the label"):
        tokeniser.tokenise([""], (" a", " b"))


@pytest.mark.parametrize("prompt", [PROMPT, "Intent:"])
@pytest.mark.parametrize("label", ["##", ""])
def test_a_label_of_which_nothing_is_left_is_refused(make_tokenizer, prompt, label):
    from tokenizers import normalizers

    tokenizer = make_tokenizer()
    tokenizer.backend_tokenizer.normalizer = normalizers.Replace("#", "")
    with pytest.raises(UserError, match="leaves nothing") as caught:
        PromptTokeniser(tokenizer).tokenise([prompt], (" lost", label))
    assert repr(label) in str(caught.value)
    assert "verbalizer" in str(caught.value)


@pytest.mark.parametrize(("before", "after"), [("<s>", ""), ("<s>", "</s>")])
@pytest.mark.parametrize("text", ["<s>user: hi\nassistant:", "<s>user: hi", "<s>"])
def test_a_text_that_brings_its_beginning_is_given_no_second(make_tokenizer, before, after, text):
    tokeniser = PromptTokeniser(make_tokenizer(before=before, after=after))
    tokenised = tokeniser.tokenise([text], LABELS)
    assert tokenised.context.count(BOS) == 1
    assert tokenised.context[0] == BOS
    cut = tokeniser.tokenise([text, " and so on"], LABELS)
    assert cut.context.count(BOS) == 1
    assert EOS not in (*cut.context, *(token for one in cut.continuations for token in one))


SEGMENTS = ("Say what is meant.\n\n", "Message: top up with cash\nIntent: top up\n\n", PROMPT)


def test_shared_segments_end_a_token_early(tokenizer):
    tokenised = PromptTokeniser(tokenizer).tokenise(SEGMENTS, LABELS)
    extra = int(tokenised.context[0] == BOS)
    first = len(plain_ids(tokenizer, SEGMENTS[0])) + extra - 1
    second = len(plain_ids(tokenizer, "".join(SEGMENTS[:2]))) + extra - 1
    assert tokenised.cuts == (first, second)
    assert tokenised.shared == (tokenised.context[:first], tokenised.context[first:second])
    assert sum(tokenised.shared, ()) + tokenised.own == tokenised.context


def test_a_segment_that_merges_with_what_follows_is_cut_where_they_part(bare):
    whole = plain_ids(bare, "my card is lost")
    tokenised = PromptTokeniser(bare).tokenise(("my card is l", "ost"), LABELS)
    assert tokenised.context == whole
    assert 0 < tokenised.cuts[0] < len(whole)
    assert whole[: tokenised.cuts[0]] == plain_ids(bare, "my card is l")[: tokenised.cuts[0]]


@given(st.lists(ANY, min_size=1, max_size=5).map(tuple))
def test_cuts_rise_and_leave_a_token(bare, segments):
    tokeniser = PromptTokeniser(bare)
    tokenised = tokeniser.tokenise(segments, LABELS)
    ends = [0, *tokenised.cuts, len(tokenised.context)]
    assert ends == sorted(set(ends))
    whole = tokeniser.tokenise(("".join(segments),), LABELS)
    assert (tokenised.context, tokenised.continuations) == (whole.context, whole.continuations)


def test_the_parts_of_a_prompt():
    prompt = TokenisedPrompt((1, 2, 3, 4, 5), ((9,),), (2, 4))
    assert (prompt.shared, prompt.own) == (((1, 2), (3, 4)), (5,))
    prompt = TokenisedPrompt((1, 2), ((9,),))
    assert (prompt.shared, prompt.own) == ((), (1, 2))

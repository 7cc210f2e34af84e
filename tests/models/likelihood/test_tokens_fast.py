"""Tokenising labels after the prompt's last line alone: the same tokens as the whole way's."""

import functools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harness.models.likelihood.tokens import PromptTokeniser

CORPUS = [
    "Message: my card is lost\nIntent: lost card\n\n",
    "Message: how do I top up\nIntent: top up\n\n",
    "what is the rate for 100 euros?\n  It's 1.25!\n\n\nIntent: exchange rate\n",
    "I don't know, they're abroad\n\nIntent: lost card abroad",
]
# From llama 3's and kin: it takes line breaks together with what stands before them.
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def byte_level(tokenizer, *, split=False, regex=True):
    from tokenizers import Regex, pre_tokenizers

    bytes_ = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=regex and not split)
    parts = [pre_tokenizers.Split(Regex(SPLIT), "isolated")] if split else []
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*parts, bytes_])


def no_pre_tokenizer(tokenizer):
    pass


def prepend(tokenizer):
    from tokenizers import normalizers

    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )


def composed(tokenizer):
    from tokenizers import normalizers

    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Strip()])
    byte_level(tokenizer)


def words(tokenizer):
    from tokenizers import pre_tokenizers

    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()


def metaspace(tokenizer):
    from tokenizers import pre_tokenizers

    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()


KINDS = {
    "byte-level BPE": ("BPE", byte_level),
    "byte-level BPE, split as Llama 3": ("BPE", functools.partial(byte_level, split=True)),
    "byte-level BPE of whole texts": ("BPE", functools.partial(byte_level, regex=False)),
    "BPE without a pre-tokenizer": ("BPE", no_pre_tokenizer),
    "BPE that prepends": ("BPE", prepend),
    "BPE after NFC and strip": ("BPE", composed),
    "WordPiece": ("WordPiece", words),
    "Unigram": ("Unigram", metaspace),
}
FAST = [name for name, (model, _) in KINDS.items() if model == "BPE"]


@functools.cache
def tokeniser_of(name):
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    model, shape = KINDS[name]
    unknown = {} if model == "Unigram" else {"unk_token": "<unk>"}
    tokenizer = Tokenizer(getattr(models, model)(**unknown))
    shape(tokenizer)
    trainer = getattr(trainers, f"{model.replace('BPE', 'Bpe')}Trainer")(
        vocab_size=450,
        special_tokens=["<unk>", "<s>"],
        initial_alphabet=sorted({*pre_tokenizers.ByteLevel.alphabet(), *"éü丢🙂"}),
        show_progress=False,
        **{"BPE": {"max_token_length": 5}, "Unigram": {"unk_token": "<unk>"}}.get(model, {}),
    )
    tokenizer.train_from_iterator(CORPUS * 3, trainer)
    return PromptTokeniser(PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>"))


FRAGMENTS = [
    "Message:", "Intent:", " lost", "card", " abroad", "top up", "l", "ost", "'", "s", "t", "re",
    "\n", "\n\n", " ", "  ", "\t", "\r\n", "0", "12", ".", "!", "?", ":", "é", "e\u0301", "ü",
    "丢", "🙂", "▁", "<s>",
]  # fmt: skip
TEXT = st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join)
LABELS = st.lists(TEXT.filter(str.strip), min_size=1, max_size=4).map(tuple)


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=150, deadline=None)
@given(text=TEXT, labels=LABELS)
@example(text="Message: gone\nIntent: l", labels=("ost card", " top up"))
@example(text="Message: gone\n\n\nIntent:", labels=("\n\nlost",))
@example(text="a!\nIntent:", labels=("\n", "s"))
@example(text="a\r\n  \n 12", labels=("0", "'s", "\u0301"))
def test_the_same_as_the_whole_way(name, text, labels):
    tokeniser = tokeniser_of(name)
    fast = tokeniser._by_ending(text, labels)
    assert fast is None or fast == tokeniser._by_whole(text, labels)


PROMPT = "".join(CORPUS) + "\n\nMessage: card stolen in Café Zürich\nIntent:"


@pytest.mark.parametrize("name", KINDS)
def test_it_is_taken_where_it_is_sure(name):
    fast = tokeniser_of(name)._by_ending(PROMPT, (" lost card", " top up"))
    assert (fast is not None) == (name in FAST and "prepends" not in name and "strip" not in name)


def test_labels_are_tokenised_once_for_all_prompts_that_end_alike(make_tokenizer):
    tokenizer = make_tokenizer()
    read = []

    def counting(text, **settings):
        read.extend([text] if isinstance(text, str) else text)
        return tokenizer(text, **settings)

    tokeniser = PromptTokeniser(tokenizer)
    tokeniser.tokenizer = type(
        "Counting", (), {"__call__": lambda _, *args, **kw: counting(*args, **kw),
                         "bos_token": "<s>"}
    )()  # fmt: skip
    for row in range(5):
        tokeniser.tokenise([f"Message: {row}\nIntent:"], (" lost card", " top up"))
    assert len(read) == 5 + 3

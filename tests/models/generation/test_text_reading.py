import pytest

from harness.models.generation.reading import Reader, end_tokens


@pytest.fixture(scope="module")
def tokenizer(make_tokenizer):
    return make_tokenizer()


def read(tokenizer, ids, *, ends=(), stop=(), max_tokens=1000, before="Intent:"):
    """The text of tokens, taken until it ends, and how many were taken."""
    reader = Reader(tokenizer, ends=frozenset(ends), stop=stop, max_tokens=max_tokens)
    text = reader.begin(tuple(tokenizer(before)["input_ids"]))
    for token in ids:
        if text.add(token):
            break
    return text.value, len(text.tokens)


def ids_of(tokenizer, text):
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def bytes_of(tokenizer, text):
    """A token a byte: the first ids after the special ones are the bytes."""
    shown = tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str(text)
    return [tokenizer.convert_tokens_to_ids(letter) for word, _ in shown for letter in word]


TEXT = " lost card, I lost it\nMessage: top up"


def test_all_of_a_text(tokenizer):
    ids = ids_of(tokenizer, TEXT)
    assert read(tokenizer, ids) == (TEXT, len(ids))
    assert read(tokenizer, ids, max_tokens=3) == (tokenizer.decode(ids[:3]), 3)
    assert read(tokenizer, []) == ("", 0)


@pytest.mark.parametrize("stop", ["\n", "card", "rd, I", " ", "t it\nM", "up", " lost card"])
@pytest.mark.parametrize("cut", [ids_of, bytes_of])
def test_a_stop_string_over_tokens_or_in_one(tokenizer, stop, cut):
    ids = cut(tokenizer, TEXT)
    value, taken = read(tokenizer, ids, stop=[stop])
    assert value == TEXT.partition(stop)[0]
    first = next(n for n in range(1, len(ids) + 1) if stop in tokenizer.decode(ids[:n]))
    assert taken == first  # no token more than it takes


def test_the_first_of_several_stop_strings(tokenizer):
    ids = ids_of(tokenizer, TEXT)
    assert read(tokenizer, ids, stop=["it", "card", "Message"])[0] == " lost "
    assert read(tokenizer, bytes_of(tokenizer, "abcd"), stop=["bcd", "c"])[0] == "ab"
    assert read(tokenizer, ids, stop=["nowhere"]) == (TEXT, len(ids))


def test_a_stop_string_is_seen_only_in_what_was_generated(tokenizer):
    ids = ids_of(tokenizer, " lost")
    assert read(tokenizer, ids, stop=[": l", "Intent:"]) == (" lost", len(ids))


@pytest.mark.parametrize("length", [1, 30, 300])
def test_a_stop_string_far_into_a_text(tokenizer, length):
    ids = bytes_of(tokenizer, "xy" * length + "Zürich!" + "z" * 9)
    assert read(tokenizer, ids, stop=["Zürich"])[0] == "xy" * length
    assert read(tokenizer, ids, stop=["ü"])[0] == "xy" * length + "Z"


def test_special_tokens_are_left_out(tokenizer):
    ids = [*ids_of(tokenizer, " lost"), 1, *ids_of(tokenizer, " card"), 2, 2]
    assert read(tokenizer, ids) == (" lost card", len(ids))
    assert read(tokenizer, ids, ends={2}) == (" lost card", len(ids) - 1)
    assert read(tokenizer, ids, ends={1})[0] == " lost"
    assert read(tokenizer, [2], ends={2}) == ("", 1)


def test_a_token_that_ends_a_text_need_not_be_special(tokenizer):
    ids = ids_of(tokenizer, TEXT)
    value, taken = read(tokenizer, ids, ends={ids[2]})
    assert (value, taken) == (tokenizer.decode(ids[: ids.index(ids[2])]), ids.index(ids[2]) + 1)


def test_a_special_token_given_as_a_stop_string(tokenizer):
    ids = [*ids_of(tokenizer, " lost"), 1, *ids_of(tokenizer, " card")]
    assert read(tokenizer, ids, stop=["<s>"])[0] == " lost"
    assert read(tokenizer, ids, stop=["</s>"])[0] == " lost card"


def test_tokens_after_the_end_change_nothing(tokenizer):
    reader = Reader(tokenizer, ends=frozenset({2}), stop=(), max_tokens=9)
    text = reader.begin((5,))
    assert text.add(2)
    assert text.add(7)
    assert (text.value, text.tokens) == ("", [2])


def test_the_space_that_a_text_begins_with(make_tokenizer):
    """Some tokenizers leave out the first space of what they are given."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = {"▁Answer:": 0, "▁Paris": 1, "▁it": 2, "is": 3, "<s>": 4}
    backend = Tokenizer(models.WordLevel(words, unk_token="▁it"))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>")
    assert tokenizer.decode([1, 2]) == "Paris it"
    assert read(tokenizer, [1, 2], before="Answer:")[0] == " Paris it"
    assert read(tokenizer, [3, 2], before="Answer:")[0] == "is it"
    assert read(tokenizer, [1, 2], before="Answer:", stop=[" P"]) == ("", 1)
    assert read(tokenizer, [1, 2], before="<s>")[0] == "Paris it"


class Settings:
    def __init__(self, eos_token_id=None):
        self.eos_token_id = eos_token_id

    def get_text_config(self):
        return self


@pytest.mark.parametrize(
    ("generation", "config", "tokenizer", "ends"),
    [(2, 2, 2, {2}), ([2, 5], None, 7, {2, 5, 7}), (None, 0, None, {0}), (None, None, None, set())],
)
def test_every_token_that_ends_a_text_counts(generation, config, tokenizer, ends):
    model = Settings()
    model.generation_config, model.config = Settings(generation), Settings(config)
    assert end_tokens(model, Settings(tokenizer)) == ends

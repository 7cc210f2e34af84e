"""Texts that are nearly the same: against every pair compared, and at the edge of 0.8."""

import random
import time

from hypothesis import given
from hypothesis import strategies as st

from harness.tasks.checks.near import are_near, near_texts, shingles
from harness.tasks.splits import normalised

WORDS = st.lists(st.sampled_from("abcde"), min_size=1, max_size=14).map(" ".join)


def test_shingles():
    assert shingles("My card, my CARD is lost!") == {
        "my card my", "card my card", "my card is", "card is lost",
    }  # fmt: skip
    assert shingles("lost card") == {"lost card"}
    assert shingles("?!") == {"?!"}


def test_four_of_five_is_near():
    # n words have n - 2 shingles; one more word at the end adds one.
    words = "one two three four five six"
    assert are_near(shingles(words), shingles(words + " seven")), "4 of 5"
    assert not are_near(
        shingles("one two three four five"), shingles("one two three four five six")
    )
    assert near_texts([words + " seven"], ["other words altogether", words]) == [1]
    assert near_texts(["one two three four five six"], ["one two three four five"]) == [None]


def test_equal_texts_are_near_and_short_ones_are_not():
    assert near_texts(["Hi there!"], ["hi, there"]) == [0]
    assert near_texts(["hi there"], ["hi where"]) == [None]
    assert near_texts([], ["x"]) == []
    assert near_texts(["x"], []) == [None]


@given(st.lists(WORDS, max_size=8), st.lists(WORDS, max_size=8))
def test_as_if_every_pair_were_compared(texts, others):
    expected = [
        next((n for n, other in enumerate(others) if jaccard(text, other) >= 0.8), None)
        for text in texts
    ]
    assert near_texts(texts, others) == expected


def jaccard(one, other):
    """Worked out from the definition, with no shortcut."""
    left, right = ({tuple(w[i : i + 3]) for i in range(max(len(w) - 2, 1))}
                   for w in (normalised(one).split(), normalised(other).split()))  # fmt: skip
    return len(left & right) / len(left | right)


def test_fifteen_thousand_rows_take_seconds():
    chance = random.Random(0)
    words = [f"w{n}" for n in range(2_000)]
    texts = [
        " ".join(chance.choices(words, weights=range(2_000, 0, -1), k=chance.randint(5, 40)))
        for _ in range(15_000)
    ]
    changed = [f"{text} indeed" for text in texts[:100]]
    started = time.perf_counter()
    found = near_texts(texts[12_000:] + changed, texts[:12_000])
    assert time.perf_counter() - started < 10
    long = [place for place, text in enumerate(texts[:100]) if len(text.split()) >= 6]
    assert [found[3_000 + place] for place in long] == long

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.models.base import PromptText
from harness.models.likelihood.passes import halves
from harness.models.likelihood.plan import (
    MIN_SAVED_CHARACTERS,
    WIDTH_STEP,
    Budget,
    plan_batches,
    plan_segments,
)
from harness.models.likelihood.tokens import TokenisedPrompt

INSTRUCTION = "Say what is meant.\n"
LONG, OTHER = "a" * MIN_SAVED_CHARACTERS, "b" * MIN_SAVED_CHARACTERS


def segments(*prompts):
    return plan_segments([PromptText(pieces) for pieces in prompts])


def test_what_all_prompts_share_is_one_segment_however_short():
    assert segments((INSTRUCTION, "x", "1"), (INSTRUCTION, "x", "2")) == [
        (INSTRUCTION + "x", "1"),
        (INSTRUCTION + "x", "2"),
    ]


def test_a_single_prompt_is_cut_before_its_own_text():
    assert segments((INSTRUCTION, "x", "1")) == [(INSTRUCTION + "x", "1")]
    assert segments(("1",)) == [("1",)]
    assert segments(("", "1")) == [("1",)]
    assert segments() == []


def test_what_a_group_shares_is_a_segment_of_its_own():
    assert segments(
        (INSTRUCTION, LONG, "1"), (INSTRUCTION, LONG, "2"), (INSTRUCTION, OTHER, "3")
    ) == [
        (INSTRUCTION, LONG, "1"),
        (INSTRUCTION, LONG, "2"),
        (INSTRUCTION, OTHER + "3"),  # alone, it saves nothing
    ]


@pytest.mark.parametrize(
    ("length", "group", "cut"),
    [
        (MIN_SAVED_CHARACTERS, 2, True),
        (MIN_SAVED_CHARACTERS - 1, 2, False),
        (MIN_SAVED_CHARACTERS // 4, 5, True),
        (MIN_SAVED_CHARACTERS // 4, 4, False),
    ],
)
def test_a_group_is_worth_a_pass_when_it_saves_enough_reading(length, group, cut):
    shown = "s" * length
    *found, last = segments(
        *((INSTRUCTION, shown, str(place)) for place in range(group)), (INSTRUCTION, "4")
    )
    assert last == (INSTRUCTION, "4")
    own = (shown, "{}") if cut else (shown + "{}",)
    assert found == [
        (INSTRUCTION, *own[:-1], own[-1].format(place)) for place in range(group)
    ]  # fmt: skip


def test_a_beginning_not_worth_a_pass_goes_with_what_follows_it():
    """Four share `x`, too little; two of them go on alike, and enough."""
    found = segments(
        ("x", LONG, "1"), ("x", LONG, "2"), ("x", "3"), ("x", "4"), ("5",)
    )  # fmt: skip
    assert found == [("x" + LONG, "1"), ("x" + LONG, "2"), ("x3",), ("x4",), ("5",)]


def test_pieces_are_shared_in_order_alone():
    assert segments((LONG, OTHER, "1"), (OTHER, LONG, "2")) == [
        (LONG + OTHER + "1",),
        (OTHER + LONG + "2",),
    ]


PIECES = st.lists(st.sampled_from(["", "a", "b", LONG, OTHER]), min_size=1, max_size=5)


@given(st.lists(PIECES.map(tuple), max_size=8), st.randoms(use_true_random=False))
def test_joined_segments_are_the_text_in_any_order(prompts, rng):
    found = segments(*prompts)
    assert ["".join(one) for one in found] == ["".join(pieces) for pieces in prompts]
    assert all(all(one[:-1]) for one in found)  # nothing empty is shared
    by_prompt = dict(zip(prompts, found, strict=True))
    rng.shuffle(prompts)
    assert segments(*prompts) == [by_prompt[pieces] for pieces in prompts]


LABELS = ((5, 6, 7), (5, 8), (9,))  # two inner nodes


def lengths(*counts, shared=4, continuations=LABELS):
    return [
        TokenisedPrompt((1,) * (shared + count), continuations, (shared,) if shared else ())
        for count in counts
    ]


def test_rows_of_one_batch_begin_alike_and_are_equally_wide():
    prompts = [*lengths(3, 6, 7, 30), *lengths(3, shared=0), *lengths(3, continuations=((5,),))]
    random.Random(0).shuffle(prompts)
    batches = list(plan_batches(prompts, Budget(tokens=1000, predictions=1000)))
    assert sorted(place for batch in batches for place in batch.places) == list(range(6))
    for batch in batches:
        assert batch.prompts == tuple(prompts[place] for place in batch.places)
        assert {prompt.shared for prompt in batch.prompts} == {batch.shared}
        for prompt, trie in zip(batch.prompts, batch.tries, strict=True):
            taken = len(prompt.own) + len(trie.tokens)
            assert taken <= batch.width < taken + WIDTH_STEP
            assert len(trie.tokens) + 1 <= batch.predicting <= batch.width
    assert [batch.shared for batch in batches] == sorted(batch.shared for batch in batches)


@pytest.mark.parametrize(
    ("tokens", "predictions", "sizes"),
    [
        (0, 0, [1] * 7),
        (16, 1000, [2, 2, 2, 1]),
        (24, 1000, [3, 3, 1]),
        (1000, 16, [2, 2, 2, 1]),
        (1000, 1000, [7]),
    ],
)
def test_a_batch_keeps_to_its_budget(tokens, predictions, sizes):
    batches = list(plan_batches(lengths(*[6] * 7), Budget(tokens, predictions)))  # 8 slots, all
    assert [len(batch.places) for batch in batches] == sizes
    assert [place for batch in batches for place in batch.places] == list(range(7))


def test_halves_are_the_whole():
    [batch] = plan_batches(lengths(*[6] * 7), Budget(tokens=1000, predictions=1000))
    first, second = halves(batch)
    assert (first.places, second.places) == ((0, 1, 2), (3, 4, 5, 6))
    assert first.prompts + second.prompts == batch.prompts
    assert first.tries + second.tries == batch.tries
    assert first.width == second.width == batch.width

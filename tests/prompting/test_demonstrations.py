from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.types import Example
from harness.prompting.demonstrations import select_demonstrations

SELECTIONS = ("random", "balanced")
CHOICES = st.sampled_from(SELECTIONS)
SEEDS = st.integers(0, 5)
TRAINS = st.lists(st.sampled_from("abc"), max_size=25).map(
    lambda labels: [Example(7 * row, {"text": "t"}, label) for row, label in enumerate(labels)]
)


def rows(examples):
    return [example.row for example in examples]


@given(train=TRAINS, k=st.integers(0, 30), seed=SEEDS, selection=CHOICES)
def test_at_most_k_of_the_training_rows(train, k, seed, selection):
    shown = select_demonstrations(train, k=k, selection=selection, seed=seed)
    assert len(shown) == min(k, len(train))
    assert len(set(rows(shown))) == len(shown)
    assert all(example in train for example in shown)


@given(train=TRAINS, k=st.integers(0, 12), seed=SEEDS, selection=CHOICES)
def test_choices_nest_in_the_same_order(train, k, seed, selection):
    fewer = rows(select_demonstrations(train, k=k, selection=selection, seed=seed))
    more = rows(select_demonstrations(train, k=k + 3, selection=selection, seed=seed))
    assert [row for row in more if row in fewer] == fewer


@given(train=TRAINS, k=st.integers(1, 12), seed=SEEDS)
def test_balanced_goes_round_the_classes(train, k, seed):
    shown = Counter(
        example.target
        for example in select_demonstrations(train, k=k, selection="balanced", seed=seed)
    )
    had = Counter(example.target for example in train)
    for label, count in had.items():
        for other in had:
            # A class is ahead of another by one at most, unless the other is used up.
            assert shown[label] <= shown[other] + 1 or shown[other] == had[other], (count, other)


@pytest.mark.parametrize("selection", SELECTIONS)
def test_the_seed_decides_and_the_order_of_the_rows_does_not(selection):
    train = [Example(row, {"text": "t"}, "ab"[row % 2]) for row in range(40)]
    choices = [select_demonstrations(train, k=8, selection=selection, seed=s) for s in range(20)]
    assert len({tuple(rows(chosen)) for chosen in choices}) == 20
    turned = select_demonstrations(train[::-1], k=8, selection=selection, seed=0)
    assert turned == choices[0]


def test_the_order_mixes_classes_and_is_not_that_of_the_choice():
    train = [Example(row, {"text": "t"}, "ab"[row % 2]) for row in range(40)]
    orders = set()
    for seed in range(30):
        shown = select_demonstrations(train, k=4, selection="balanced", seed=seed)
        orders.add("".join(str(example.target) for example in shown))
    assert len(orders) == 6  # every way to order two of each


def test_never_changes():
    # Worked out with sha256sum from "0:ROW:choice" and "0:ROW:order", not with this program.
    train = [Example(row, {"text": "t"}, "ab"[row % 2]) for row in range(6)]
    shown = select_demonstrations(train, k=3, selection="random", seed=0)
    assert rows(shown) == [2, 4, 5]

from hypothesis import given
from hypothesis import strategies as st

from harness.training.batches import MEGA_BATCHES, training_batches

LENGTHS = st.lists(st.integers(1, 60), max_size=150)


@given(LENGTHS, st.integers(1, 16), st.integers(0, 3), st.integers(0, 3))
def test_each_row_once_an_epoch(lengths, size, seed, epoch):
    batches = training_batches(lengths, size=size, seed=seed, epoch=epoch)
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    assert all(len(batch) <= size + 1 for batch in batches)
    if size == 1:
        assert all(len(batch) == 1 for batch in batches)
    elif len(lengths) > 1:
        assert all(len(batch) > 1 for batch in batches)  # a single row is a poor step
    assert sum(len(batch) != size for batch in batches) <= 1


@given(st.integers(0, 150), st.integers(1, 16), st.integers(0, 9))
def test_as_many_batches_in_every_epoch(rows, size, seed):
    first = training_batches([5] * rows, size=size, seed=0, epoch=0)
    assert len(training_batches([9] * rows, size=size, seed=seed, epoch=3)) == len(first)


def test_seed_and_epoch_decide():
    lengths = [1 + row % 30 for row in range(100)]
    orders = [
        str(training_batches(lengths, size=8, seed=seed, epoch=epoch))
        for seed in range(3)
        for epoch in range(3)
    ]
    assert len(set(orders)) == 9
    assert str(training_batches(lengths, size=8, seed=2, epoch=2)) == orders[-1]


def test_little_padding_is_run():
    lengths = [1 + (row * 37) % 64 for row in range(8 * MEGA_BATCHES * 4)]
    batches = training_batches(lengths, size=8, seed=0, epoch=0)
    slots = sum(len(batch) * max(lengths[row] for row in batch) for batch in batches)
    random = sum(
        8 * max(lengths[start : start + 8]) for start in range(0, len(lengths), 8)
    )  # as they come
    assert slots < 1.2 * sum(lengths)
    assert random > 1.5 * sum(lengths)


def test_the_order_of_batches_is_not_that_of_their_lengths():
    lengths = list(range(1, 65))
    batches = training_batches(lengths, size=8, seed=0, epoch=0)
    longest = [max(lengths[row] for row in batch) for batch in batches]
    assert longest != sorted(longest)
    assert longest != sorted(longest, reverse=True)

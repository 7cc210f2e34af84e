from hypothesis import given
from hypothesis import strategies as st

from harness.training.batches import MEGA_BATCHES, class_batches, training_batches

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


@given(
    st.lists(st.sampled_from("abcde"), max_size=120),
    st.integers(2, 24),
    st.integers(2, 6),
    st.integers(0, 3),
)
def test_by_class_each_row_once_an_epoch(classes, size, together, epoch):
    batches = class_batches(classes, size=size, seed=0, epoch=epoch, together=together)
    assert sorted(row for batch in batches for row in batch) == list(range(len(classes)))
    assert all(len(batch) <= max(size, together + 1) + together for batch in batches)
    for batch in batches:
        for name in set(classes):
            inside = sum(classes[row] == name for row in batch)
            assert inside != 1 or classes.count(name) == 1  # nobody is without another


def test_classes_of_any_size():
    for sizes in ([5], [29, 73], [1, 1], [10] * 77, [9, 2, 1]):
        classes = [f"class {number}" for number, size in enumerate(sizes) for _ in range(size)]
        for epoch in range(5):
            batches = class_batches(classes, size=64, seed=1, epoch=epoch)
            assert sorted(row for batch in batches for row in batch) == list(range(len(classes)))

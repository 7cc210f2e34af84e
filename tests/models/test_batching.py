from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from harness.models.batching import LENGTH_STEP, SLOTS, plan_batches

LENGTHS = st.lists(st.integers(0, 64), max_size=200)


@given(lengths=LENGTHS, limit=st.sampled_from([64, 67, 512]))
def test_every_row_is_in_one_batch_that_is_long_enough(lengths, limit):
    batches = plan_batches(lengths, limit=limit)
    assert sorted(row for batch in batches for row in batch.rows) == list(range(len(lengths)))
    for batch in batches:
        assert 1 <= len(batch.rows) <= batch.size
        assert 1 <= batch.length <= limit
        assert all(lengths[row] <= batch.length for row in batch.rows)


@given(lengths=LENGTHS, others=LENGTHS)
def test_the_shape_follows_from_the_length_alone(lengths, others):
    alone = shapes(plan_batches(lengths, limit=512))
    together = shapes(plan_batches([*lengths, *others], limit=512))
    assert all(together[row] == shape for row, shape in alone.items())
    rows_by_length = {lengths[row]: shape for row, shape in alone.items()}
    assert all(rows_by_length[lengths[row]] == shape for row, shape in alone.items())


def shapes(batches):
    return {row: (batch.size, batch.length) for batch in batches for row in batch.rows}


@given(LENGTHS)
def test_no_more_batches_than_needed(lengths):
    batches = plan_batches(lengths, limit=512)
    unfilled = Counter(batch.length for batch in batches if len(batch.rows) < batch.size)
    assert not unfilled or max(unfilled.values()) == 1


def test_little_padding():
    for batch in plan_batches([5, 9, 63], limit=512):
        assert batch.length % LENGTH_STEP == 0
        assert batch.size * batch.length <= SLOTS
    [long] = plan_batches([501], limit=512)
    assert (long.size, long.length) == (1, 504)
    [cut] = plan_batches([510], limit=511)
    assert cut.length == 511


def test_full_batches_of_a_shape_run_together():
    lengths = [16] * 150 + [8] * 130
    apart = plan_batches(lengths, limit=64)
    assert plan_batches(lengths, limit=64, together=4) == apart
    together = plan_batches(lengths, limit=64, together=16)
    assert [batch.size for batch in together] == [64, 64, 16, 16, 128, 32]
    assert sorted(row for batch in together for row in batch.rows) == list(range(280))
    shapes = {row: batch.length for batch in apart for row in batch.rows}
    assert shapes == {row: batch.length for batch in together for row in batch.rows}

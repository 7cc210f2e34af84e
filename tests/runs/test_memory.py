import numpy as np
import pytest

from harness.runs.memory import PeakMemory


def test_the_peak_is_above_where_it_began():
    with PeakMemory() as memory:
        block = np.ones(60_000_000, dtype=np.uint8)
    with PeakMemory() as nothing:
        block[:] = 2
    assert nothing.peak_mb < 30 < memory.peak_mb < 200


def test_a_peak_that_is_gone_at_the_end_is_seen():
    import time

    with PeakMemory() as memory:
        block = np.ones(60_000_000, dtype=np.uint8)
        time.sleep(0.2)
        del block
    assert memory.peak_mb > 50


def test_an_error_ends_the_sampling():
    with pytest.raises(ValueError, match="x"), PeakMemory() as memory:
        raise ValueError("x")
    assert not memory._sampler.is_alive()

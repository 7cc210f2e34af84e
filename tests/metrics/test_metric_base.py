"""The arithmetic that metrics share."""

import numpy as np
import pytest

from harness.metrics.base import mean_of_defined, ratio


def test_nothing_over_nothing_is_undefined():
    found = ratio(np.array([1.0, 0.0, 0.0]), np.array([2.0, 3.0, 0.0]))
    assert found == pytest.approx([0.5, 0.0, np.nan], nan_ok=True)
    values = np.array([[1.0, np.nan, 2.0], [np.nan] * 3])
    assert mean_of_defined(values) == pytest.approx([1.5, np.nan], nan_ok=True)

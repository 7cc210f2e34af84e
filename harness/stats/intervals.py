"""Intervals from resampled values and, for a proportion, from a formula."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from harness.core.types import Estimate

FloatArray = npt.NDArray[np.float64]

UNDEFINED_LIMIT = 0.1
"""The largest share of undefined replicates with which an interval is still given."""


def percentile_interval(
    replicates: FloatArray, *, level: float = 0.95
) -> tuple[float | None, float | None]:
    """Returns the ends of the percentile interval (Efron 1979) of resampled values.

    Undefined (NaN) replicates are left out. When more than a tenth of them are undefined there is
    no interval: what is left would describe the lucky resamples only.

    Args:
        replicates: One resampled value each. Shape: [replicates].
        level: The share of the replicates that lies between the ends; quantiles are interpolated
            linearly.

    Raises:
        ValueError: ``level`` is not between 0 and 1.
    """
    _check_level(level)
    defined = replicates[~np.isnan(replicates)]
    if len(defined) == 0 or len(defined) < (1 - UNDEFINED_LIMIT) * len(replicates):
        return None, None
    tail = (1 - level) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return float(low), float(high)


def wilson_interval(successes: int, total: int, *, level: float = 0.95) -> Estimate:
    """Returns a proportion and its score interval (Wilson 1927), undefined for a total of 0.

    Raises:
        ValueError: ``level`` is not between 0 and 1, or ``successes`` not between 0 and ``total``.
    """
    _check_level(level)
    if not 0 <= successes <= total:
        raise ValueError(f"expected 0 <= successes <= total, got {successes} of {total}")
    if total == 0:
        return Estimate(None, None, None)
    z = NormalDist().inv_cdf((1 + level) / 2)
    share = successes / total
    centre = share + z**2 / (2 * total)
    reach = z * math.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    scale = 1 + z**2 / total
    # At 0 and at 1 one end is the share itself; rounding would put it a hair beyond.
    low, high = (centre - reach) / scale, (centre + reach) / scale
    return Estimate(share, max(0.0, min(low, share)), min(1.0, max(high, share)))


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"expected a level between 0 and 1, got {level}")

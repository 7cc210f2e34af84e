"""Figures over seeds: mean and interval of each side, and how it stands to the peer's."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np

Result = dict[str, Any]

INTERVAL = 0.95


def over_seeds(runs: Sequence[Result]) -> Result:
    """Returns the mean and interval of every number of some runs, with the runs' own."""
    numbers = [name for name, value in runs[0].items() if isinstance(value, int | float)]
    found: Result = {name: spread([run[name] for run in runs]) for name in numbers}
    return found | ({"versions": runs[0]["versions"]} if "versions" in runs[0] else {})


def spread(values: Sequence[float]) -> Result:
    """Returns values, their mean, and its interval by Student's t; None for a single value."""
    from scipy import stats

    mean, low, high = fmean(values), None, None
    if len(values) > 1:
        tail = stats.t.ppf((1 + INTERVAL) / 2, len(values) - 1)
        reach = float(tail * np.std(values, ddof=1) / np.sqrt(len(values)))
        low, high = mean - reach, mean + reach
    return {"mean": mean, "low": low, "high": high, "each": list(values)}


def beside(sides: Mapping[str, Result], peer: str) -> Result:
    """Returns, for each side that is not the peer, how it stands to the peer's figures."""
    if peer not in sides:
        return {}
    theirs = sides[peer]
    found: Result = {"beside": {}}
    for name in (name for name in sides if name != peer):
        ours = sides[name]
        pairs = zip(ours["accuracy"]["each"], theirs["accuracy"]["each"], strict=True)
        found["beside"][name] = {
            "times_faster": theirs["seconds"]["mean"] / ours["seconds"]["mean"],
            "points_better": spread([100 * (one - other) for one, other in pairs]),
        }
        if "slots" in ours:
            found["beside"][name]["times_the_slots"] = (
                theirs["slots"]["mean"] / ours["slots"]["mean"]
            )
    return found


def written(figure: Mapping[str, Any], digits: int = 4) -> str:
    """Returns a mean with its interval, where there is one."""
    mean, low, high = (figure[key] for key in ("mean", "low", "high"))
    interval = "" if low is None else f" [{low:.{digits}f}, {high:.{digits}f}]"
    return f"{mean:.{digits}f}{interval}"

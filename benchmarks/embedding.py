"""Embedding short texts: the harness beside SentenceTransformer.encode, in one run.

    python benchmarks/embedding.py

The distinct texts of Banking77, float32. The two take turns, so that whatever else the machine
does slows both; each round of the harness has an empty cache, and loading the model and a first
short text come before the clock starts. How near the harness is to the limit is told by the share
of the machine's float32 matrix peak that goes into the tokens that are there.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from peak import matrix_peaks

from harness.models.base import Floats
from harness.models.catalog import default
from harness.models.device import use_threads
from harness.models.encoder import LocalEncoder, load_encoder, tokenise
from harness.models.resolve import ResolvedModel, resolve
from harness.runs.provenance import environment
from harness.tasks.task import load_task

PEER_BATCH = 32
SIDES = {"harness": "harness", "peer": "SentenceTransformer.encode"}


def main() -> None:
    """Embeds the same texts both ways, in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--texts", type=int, help="the first so many; default: all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, help="a JSON file to keep the figures in")
    options = parser.parse_args()
    use_threads()
    task = load_task("banking77", data_dir=options.shared / "data")
    texts = list(dict.fromkeys(map(task.text, (*task.train, *task.test))))[: options.texts]
    found = figures(resolve(default("encoder").name, "encoder"), texts, options.rounds)
    print_figures(found)
    if options.output is not None:
        kept = {"environment": environment(), **found}
        options.output.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


@dataclasses.dataclass(frozen=True)
class Run:
    """The vectors of all texts, and the seconds they took; of the harness also from the cache."""

    vectors: Floats
    seconds: float
    cached_seconds: float = 0.0


def run_harness(resolved: ResolvedModel, texts: Sequence[str]) -> Run:
    """Embeds with the harness, then once more from what it kept."""
    with tempfile.TemporaryDirectory() as cache:  # a new one: nothing is in it
        encoder = LocalEncoder(resolved, Path(cache))
        encoder.encode(["a text that loads the model"])
        started = time.perf_counter()
        vectors = encoder.encode(texts).values
        computed = time.perf_counter()
        encoder.encode(texts)
        return Run(vectors, computed - started, time.perf_counter() - computed)


def run_peer(model: Any, texts: Sequence[str]) -> Run:
    """Embeds with sentence-transformers alone."""
    model.encode(texts[:PEER_BATCH], batch_size=PEER_BATCH)
    started = time.perf_counter()
    vectors = model.encode(texts, batch_size=PEER_BATCH)
    return Run(vectors, time.perf_counter() - started)


def figures(resolved: ResolvedModel, texts: Sequence[str], rounds: int) -> dict[str, Any]:
    """Returns what both needed in every round, and how much of it was work."""
    model = load_encoder(resolved.folder).eval()
    peaks, ours, theirs = [], [], []
    for _ in range(rounds):
        peaks.append(matrix_peaks())
        ours.append(run_harness(resolved, texts))
        theirs.append(run_peer(model, texts))
    seconds = {"harness": [run.seconds for run in ours], "peer": [run.seconds for run in theirs]}
    peak = {name: max(found[name] for found in peaks) for name in peaks[0]}
    lengths = [len(row) for row in tokenise(model, texts)]
    linear, attention = work(resolved.folder, lengths)
    reached = min(seconds["harness"]) * max(peak.values())
    rates = {
        side: {"best": len(texts) / min(taken), "median": len(texts) / median(taken)}
        for side, taken in seconds.items()
    }
    return {
        "texts": len(texts),
        "tokens": sum(lengths),
        "seconds": seconds,
        "texts_a_second": rates,
        "texts_a_second_from_the_cache": len(texts) / min(run.cached_seconds for run in ours),
        "times_faster": {
            which: rates["harness"][which] / rates["peer"][which] for which in ("best", "median")
        },
        "largest_difference": max(
            float(np.abs(one.vectors - other.vectors).max())
            for one, other in zip(ours, theirs, strict=True)
        ),
        "gflop": {"linear": linear / 1e9, "attention": attention / 1e9},
        "peak_gflop_a_second": {name: value / 1e9 for name, value in peak.items()},
        "share_of_peak": linear / reached,
        "share_of_peak_with_attention": (linear + attention) / reached,
    }


def work(folder: Path, lengths: Sequence[int]) -> tuple[float, float]:
    """Returns the operations of the matrix products for the tokens that are there.

    The linear layers of the blocks take 2 for each weight and token; attention's two products in
    each block take 2 for each dimension and pair of tokens of a text. Padding is not counted.

    Args:
        folder: The model's.
        lengths: Tokens of each text.

    Returns:
        That of the linear layers, and that of attention.
    """
    from transformers import AutoConfig, AutoModel

    config = AutoConfig.from_pretrained(folder)
    with torch.device("meta"):  # shapes alone
        blocks = AutoModel.from_config(config).encoder
    linear = [layer for layer in blocks.modules() if isinstance(layer, torch.nn.Linear)]
    weights = sum(layer.weight.numel() for layer in linear)
    pairs = sum(length**2 for length in lengths)
    return 2.0 * weights * sum(lengths), 4.0 * config.hidden_size * config.num_hidden_layers * pairs


def print_figures(found: Mapping[str, Any]) -> None:
    """Prints the figures."""
    rounds = len(found["seconds"]["harness"])
    print(f"{found['texts']:,} texts, {found['tokens']:,} tokens; best and median of {rounds}")
    for side, name in SIDES.items():
        rate = found["texts_a_second"][side]
        print(f"  {name + ':':28} {rate['best']:8.1f} {rate['median']:8.1f} texts/s")
    print(f"  {'harness, from the cache:':28} {found['texts_a_second_from_the_cache']:8.0f}")
    faster = found["times_faster"]
    print(f"  {'times faster:':28} {faster['best']:8.2f} {faster['median']:8.2f}")
    print(f"  {'largest difference:':28} {found['largest_difference']:8.1e}")
    peaks = found["peak_gflop_a_second"]
    name = max(peaks, key=peaks.get)
    print(f"  {'share of the peak:':28} {found['share_of_peak']:8.0%} of the "
          f"{peaks[name]:.0f} GFLOP/s of {name}")  # fmt: skip
    with_attention = found["share_of_peak_with_attention"]
    print(f"  {'with attention' + chr(39) + 's products:':28} {with_attention:8.0%}")


if __name__ == "__main__":
    main()

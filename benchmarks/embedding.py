"""Embedding short texts: the harness beside SentenceTransformer.encode, in one run."""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from harness.models.catalog import default
from harness.models.encoder import LocalEncoder
from harness.models.resolve import resolve
from harness.tasks.task import load_task

PEER_BATCH = 32


def main() -> None:
    """Embeds the same texts both ways."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--texts", type=int, default=3080)
    options = parser.parse_args()
    task = load_task("banking77", data_dir=options.shared / "data")
    texts = list(dict.fromkeys(task.text(example) for example in task.test))[: options.texts]
    resolved = resolve(default("encoder").name, "encoder")
    with tempfile.TemporaryDirectory() as cache:
        encoder = LocalEncoder(resolved, Path(cache))
        encoder.encode(["a text that loads the model"])
        started = time.perf_counter()
        ours = encoder.encode(texts).values
        our_seconds = time.perf_counter() - started
        started = time.perf_counter()
        encoder.encode(texts)
        cached_seconds = time.perf_counter() - started
    model = encoder.load()
    model.encode(texts[:PEER_BATCH])
    started = time.perf_counter()
    theirs = model.encode(texts, batch_size=PEER_BATCH)
    their_seconds = time.perf_counter() - started
    print(f"texts: {len(texts)}")
    print(f"harness:                      {len(texts) / our_seconds:8.1f} texts/s")
    print(f"harness, from the cache:      {len(texts) / cached_seconds:8.1f} texts/s")
    print(f"SentenceTransformer.encode:   {len(texts) / their_seconds:8.1f} texts/s")
    print(f"largest difference:           {np.abs(ours - theirs).max():.1e}")


if __name__ == "__main__":
    main()

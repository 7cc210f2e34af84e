"""Log-likelihoods by lm-evaluation-harness, timed: run by the Python of its own environment.

A line of REQUESTS is ``{"context": ..., "continuations": [...]}``. ANSWERS gets the seconds that
all of them took together, and a list of log-likelihoods (natural log) for each line.
"""

import argparse
import json
import time
from importlib.metadata import version
from itertools import islice
from pathlib import Path

import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM


def main() -> None:
    """Loads the model, scores a short request to warm up, then all the requests."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a folder that transformers can load")
    parser.add_argument("requests", type=Path)
    parser.add_argument("answers", type=Path)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch-size", type=int, default=16)
    options = parser.parse_args()
    rows = [json.loads(line) for line in options.requests.read_text(encoding="utf-8").splitlines()]
    torch.set_num_threads(options.threads)
    lm = HFLM(
        pretrained=options.model,
        dtype="float32",
        device=options.device,
        batch_size=options.batch_size,
    )
    score(lm, [{"context": "The sky is", "continuations": [" blue"]}])
    started = time.perf_counter()
    loglikelihoods = score(lm, rows)
    answers = {
        "seconds": time.perf_counter() - started,
        "loglikelihoods": loglikelihoods,
        "versions": {name: version(name) for name in ("lm_eval", "torch", "transformers")},
    }
    options.answers.write_text(json.dumps(answers), encoding="utf-8")


def score(lm: HFLM, rows: list[dict]) -> list[list[float]]:
    """Scores every continuation of every row, all in one call."""
    instances = [
        Instance("loglikelihood", doc={}, arguments=(row["context"], continuation), idx=place)
        for row in rows
        for place, continuation in enumerate(row["continuations"])
    ]
    scored = iter(lm.loglikelihood(instances, disable_tqdm=True))
    return [[value for value, _ in islice(scored, len(row["continuations"]))] for row in rows]


if __name__ == "__main__":
    main()

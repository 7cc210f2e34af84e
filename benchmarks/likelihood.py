"""Label log-likelihoods: the harness beside scoring one label at a time, and beside golden numbers.

The golden file holds prompts, labels and log-likelihoods of lm-evaluation-harness.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from harness.models.base import PromptText
from harness.models.catalog import default
from harness.models.causal_lm import LocalCausalLM
from harness.models.likelihood.plain import PlainScorer
from harness.models.likelihood.tokens import tokenise_prompt
from harness.models.resolve import ResolvedModel, resolve

LAST_EXAMPLE = "Customer message: "


def main() -> None:
    """Reads the golden prompts and scores them both ways."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--plain-rows", type=int, default=1, help="rows scored the plain way too")
    options = parser.parse_args()
    golden = options.shared / "golden" / "lm_eval_banking77.jsonl"
    rows = [json.loads(line) for line in golden.read_text(encoding="utf-8").splitlines()]
    resolved = resolve(default("causal_lm").name, "causal_lm")
    for shots in (0, 5):
        report(resolved, [row for row in rows if row["shots"] == shots], shots, options.plain_rows)


def report(
    resolved: ResolvedModel, rows: list[dict[str, Any]], shots: int, plain_rows: int
) -> None:
    """Prints the figures for the prompts with so many demonstrations."""
    with tempfile.TemporaryDirectory() as cache:
        model = LocalCausalLM(resolved, Path(cache))
        model.label_loglikelihoods([PromptText("", "load the model:")], [" yes", " no"])
        before = model.tokens_run
        prompts = [split(row["context"]) for row in rows]
        started = time.perf_counter()
        ours = model.label_loglikelihoods(prompts, rows[0]["continuations"]).values
        seconds = (time.perf_counter() - started) / len(rows)
    plain = PlainScorer(model._scorer.model)  # noqa: SLF001
    started = time.perf_counter()
    for row in rows[:plain_rows]:
        plain.score(tokenise_prompt(model.tokenizer, row["context"], row["continuations"]))
    plain_seconds = (time.perf_counter() - started) / plain_rows
    theirs = np.array([row["loglikelihoods"] for row in rows])
    print(f"{shots} demonstrations, {len(rows)} rows, {ours.shape[1]} labels")
    print(f"  harness:              {seconds:7.3f} s a row, "
          f"{(model.tokens_run - before) / len(rows):.0f} tokens a row")  # fmt: skip
    print(f"  one label at a time:  {plain_seconds:7.3f} s a row")
    print(f"  largest difference from the golden numbers: {np.abs(ours - theirs).max():.1e} nats; "
          f"same best label: {(ours.argmax(1) == theirs.argmax(1)).mean():.0%}")  # fmt: skip


def split(context: str) -> PromptText:
    """Cuts a golden prompt where its last example begins."""
    place = context.rindex(LAST_EXAMPLE)
    return PromptText(context[:place], context[place:])


if __name__ == "__main__":
    main()

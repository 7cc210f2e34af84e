"""Label log-likelihoods: the harness beside lm-evaluation-harness, in one run.

Both score the same labels after the same prompts with the same weights in float32 and with the
same number of threads, one after the other. The peer runs in an environment of its own; without
one only the harness is measured. How near that is to the limit is told by the share of the
machine's float32 matrix peak that goes into the work that no method can leave out.
"""

import argparse
import dataclasses
import functools
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peak import matrix_peaks
from sets import SINGLE_LABEL

from harness.core.files import sha256_bytes
from harness.models.base import Floats, PromptText
from harness.models.catalog import default
from harness.models.causal_lm import LocalCausalLM
from harness.models.device import choose_device, use_threads
from harness.models.likelihood.tokens import PromptTokeniser
from harness.models.likelihood.trie import build_trie
from harness.models.resolve import ResolvedModel, resolve
from harness.runs.provenance import environment
from harness.tasks.draws import Budget, draw
from harness.tasks.task import load_task

PEER = Path(__file__).parent / "peers" / "lm_eval_loglikelihood.py"
LAST_EXAMPLE = "Customer message: "


@dataclasses.dataclass(frozen=True)
class Workload:
    """Prompts with the same labels after each, and what lm-evaluation-harness once gave for them.

    Attributes:
        golden: Shape (prompts, labels), in nats; None where there are no such numbers.
    """

    prompts: Sequence[PromptText]
    labels: Sequence[str]
    golden: Floats | None = None


def main() -> None:
    """Measures every workload, or the one that was named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--workload", choices=WORKLOADS, help="task-demonstrations; default: all")
    parser.add_argument("--agreement", action="store_true", help="instead: every set's numbers")
    parser.add_argument("--rows", type=int, default=10)
    parser.add_argument("--peer-python", type=Path, help="python of an environment with lm_eval")
    parser.add_argument("--output", type=Path, help="a JSON file to keep the figures in")
    options = parser.parse_args()
    if options.peer_python is None:
        print("Without the peer: --peer-python was not given; see benchmarks/README.md.")
    resolved = resolve(default("causal_lm").name, "causal_lm")
    threads = use_threads()
    measured = {}
    workloads = dict(WORKLOADS)
    if options.agreement:
        workloads = {
            f"{name}-0": functools.partial(task_workload, name=name, shots=0)
            for name in SINGLE_LABEL
        }
    for name in [options.workload] if options.workload else workloads:
        workload = workloads[name](options.shared, options.rows)
        peer = options.peer_python and run_peer(options.peer_python, resolved, workload, threads)
        measured[name] = figures(resolved, workload, peer)
        print_figures(name, measured[name])
    if options.output is not None:
        kept = {"environment": environment(), "workloads": measured}
        options.output.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


def golden_workload(shared: Path, rows: int, *, shots: int) -> Workload:
    """Returns the golden Banking77 prompts with so many demonstrations."""
    text = (shared / "golden" / "lm_eval_banking77.jsonl").read_text(encoding="utf-8")
    read = [row for row in map(json.loads, text.splitlines()) if row["shots"] == shots][:rows]
    golden = np.array([row["loglikelihoods"] for row in read], dtype=np.float32)
    return Workload([split(row["context"]) for row in read], read[0]["continuations"], golden)


def task_workload(shared: Path, rows: int, *, name: str, shots: int) -> Workload:
    """Returns prompts in the words of the golden ones, for seeded test rows with a label."""
    task = load_task(name, data_dir=shared / "data")
    words = {label.name: label.verbalizer for label in task.labels}
    pool = [
        task.train[place]
        for place in (draw(task.train, task.labels, Budget("total", shots)).rows if shots else ())
    ]
    shown = "".join(
        f"{LAST_EXAMPLE}{task.text(row)}\nIntent: {words[str(row.target)]}\n\n" for row in pool
    )
    tested = sorted(
        (row for row in task.test if row.target != task.out_of_scope),
        key=lambda row: sha256_bytes(str(row.row).encode()),
    )
    prompts = [split(f"{shown}{LAST_EXAMPLE}{task.text(row)}\nIntent:") for row in tested[:rows]]
    return Workload(prompts, [f" {label.verbalizer}" for label in task.labels])


def split(context: str) -> PromptText:
    """Cuts a prompt where its last example begins."""
    place = context.rindex(LAST_EXAMPLE)
    return PromptText(tuple(piece for piece in (context[:place], context[place:]) if piece))


WORKLOADS: Mapping[str, Callable[[Path, int], Workload]] = {
    "banking77-5": functools.partial(golden_workload, shots=5),
    "banking77-0": functools.partial(golden_workload, shots=0),
    "hint3_curekart-16": functools.partial(task_workload, name="hint3_curekart", shots=16),
}


def run_peer(
    python: Path, resolved: ResolvedModel, workload: Workload, threads: int
) -> dict[str, Any]:
    """Scores the prompts with lm-evaluation-harness, in a process of its own environment."""
    rows = [
        {"context": prompt.text, "continuations": list(workload.labels)}
        for prompt in workload.prompts
    ]
    with tempfile.TemporaryDirectory() as folder:
        requests, answers = Path(folder, "requests.jsonl"), Path(folder, "answers.json")
        requests.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        place = ["--threads", str(threads), "--device", choose_device()]
        done = subprocess.run(
            [python, PEER, resolved.folder, requests, answers, *place],
            env={**os.environ, "OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"the peer failed:\n{done.stderr}")
        return dict(json.loads(answers.read_text(encoding="utf-8")))


def figures(
    resolved: ResolvedModel, workload: Workload, peer: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Scores the prompts with the harness; returns that and what the peer needed, for a row."""
    rows = len(workload.prompts)
    continuations = [workload.labels] * rows
    peaks = matrix_peaks()
    with tempfile.TemporaryDirectory() as cache:  # a new one: nothing is in it
        model = LocalCausalLM(resolved, Path(cache))
        model.label_loglikelihoods([PromptText(("load the model:",))], [[" yes", " no"]])
        before = model.tokens_run
        started = time.perf_counter()
        ours = model.label_loglikelihoods(workload.prompts, continuations).values
        seconds = (time.perf_counter() - started) / rows
    work = irreducible_flop(model, workload) / rows
    found: dict[str, Any] = {
        "rows": rows,
        "labels": len(workload.labels),
        "seconds": seconds,
        "tokens": (model.tokens_run - before) / rows,
        "irreducible_gflop": work / 1e9,
        "peak_gflop_a_second": {name: peak / 1e9 for name, peak in peaks.items()},
        "share_of_peak": {name: work / seconds / peak for name, peak in peaks.items()},
    }
    if workload.golden is not None:
        found["golden"] = agreement(ours, workload.golden)
    if peer is not None:
        theirs = peer["seconds"] / rows
        alike = agreement(ours, np.array(peer["loglikelihoods"], dtype=np.float32))
        found["peer"] = {"seconds": theirs, "versions": peer["versions"], **alike}
        found["times_faster"] = theirs / seconds
    return found


def agreement(ours: Floats, theirs: Floats) -> dict[str, float]:
    """Returns the largest difference of a label, in nats, and the share of equal best labels."""
    return {
        "largest_difference": float(np.abs(ours - theirs).max()),
        "same_best_label": float((ours.argmax(axis=1) == theirs.argmax(axis=1)).mean()),
    }


def irreducible_flop(model: LocalCausalLM, workload: Workload) -> float:
    """Returns the operations of the matrix products that exact scoring cannot do without.

    Every token that prompts begin alike with goes through the blocks once, every other token of
    a prompt and every inner node of its label trie once; only the end of a prompt and the inner
    nodes go through the output layer. Attention's own products and padding are not counted.
    """
    tokenise = PromptTokeniser(model.tokenizer).tokenise
    asked = [tokenise([prompt.text], tuple(workload.labels)) for prompt in workload.prompts]
    columns = zip(*(prompt.context for prompt in asked), strict=False)
    shared = sum(1 for _ in itertools.takewhile(lambda column: len(set(column)) == 1, columns))
    own = [len(prompt.context) - shared for prompt in asked]
    nodes = [len(build_trie(prompt.continuations).tokens) for prompt in asked]
    in_blocks, in_output = linear_weights(model.folder)
    return 2.0 * (
        in_blocks * (shared + sum(own) + sum(nodes)) + in_output * (sum(nodes) + len(nodes))
    )


def linear_weights(folder: Path) -> tuple[int, int]:
    """Returns how many weights the linear layers of the blocks have, and the output layer."""
    from transformers import AutoConfig, AutoModelForCausalLM

    with torch.device("meta"):  # shapes alone
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder))
    output = model.get_output_embeddings()
    linear = [layer for layer in model.modules() if isinstance(layer, torch.nn.Linear)]
    in_blocks = sum(layer.weight.numel() for layer in linear if layer is not output)
    return in_blocks, output.weight.numel()


def print_figures(name: str, found: Mapping[str, Any]) -> None:
    """Prints the figures of one workload."""
    print(f"{name}: {found['rows']} rows, {found['labels']} labels")
    print(f"  harness:                {found['seconds']:8.3f} s a row, "
          f"{found['tokens']:.0f} tokens a row")  # fmt: skip
    print(f"  work that nothing can save: {found['irreducible_gflop']:.1f} GFLOP a row")
    for name, share in found["share_of_peak"].items():
        print(f"  share of the peak:      {share:8.0%} of the "
              f"{found['peak_gflop_a_second'][name]:.0f} GFLOP/s of {name}")  # fmt: skip
    if "peer" in found:
        print(f"  lm-evaluation-harness:  {found['peer']['seconds']:8.3f} s a row, "
              f"{found['times_faster']:.1f} times as long")  # fmt: skip
    for other in ("peer", "golden"):
        if other in found:
            print(f"  beside the {other}'s numbers: largest difference "
                  f"{found[other]['largest_difference']:.1e} nats, "
                  f"same best label {found[other]['same_best_label']:.0%}")  # fmt: skip


if __name__ == "__main__":
    main()

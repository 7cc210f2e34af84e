"""Label log-likelihoods by another program: lm-evaluation-harness 0.4.13 on 20 Banking77 prompts.

The numbers lie in ``golden/lm_eval_banking77.jsonl`` of the folder ``shared`` beside the
repository; its README says how they were made.

They carry the rounding of the machine they were made on: torch's log-softmax adds up 49,152
float32 terms, 8 at a time with AVX2 and 16 at a time with AVX-512, and what the order loses is
5e-5 nats a label and up to 2e-4. So they are compared under AVX2, to which every x86 processor of
the last ten years can be held.
"""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

pytestmark = pytest.mark.slow
FILE = "golden/lm_eval_banking77.jsonl"
SCORE = """
import json
import sys
from pathlib import Path

import torch

from harness.models.base import PromptText
from harness.models.causal_lm import LocalCausalLM
from harness.models.resolve import resolve

asked = json.load(sys.stdin)
lm = LocalCausalLM(resolve(sys.argv[1], "causal_lm"), Path(sys.argv[2]))
values = lm.label_loglikelihoods(
    [PromptText(tuple(pieces)) for pieces in asked["prompts"]], asked["continuations"]
).values
json.dump(
    {
        "values": values.tolist(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "scorer": type(lm.engine.scorers.short).__name__,
    },
    sys.stdout,
)
"""


@pytest.fixture(scope="module")
def golden(shared):
    if not (shared / FILE).is_file():
        pytest.skip(f"there is no {FILE} in the folder `shared`")
    return [json.loads(line) for line in (shared / FILE).read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def score(default_models, tmp_path_factory):
    """Scores prompts with the default model in a process that is held to AVX2."""
    folder = default_models("causal_lm").folder
    environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}

    def scored(prompts, continuations):
        done = subprocess.run(
            [sys.executable, "-c", SCORE, folder, tmp_path_factory.mktemp("outputs")],
            input=json.dumps({"prompts": prompts, "continuations": continuations}),
            stdout=subprocess.PIPE,
            check=True,
            text=True,
            env={**environment, "ATEN_CPU_CAPABILITY": "avx2"},
        )
        return json.loads(done.stdout)

    return scored


def split(context, shots):
    """Cuts a prompt where its own text begins: a blank line ends each demonstration."""
    *shown, asked = context.split("\n\n")
    assert len(shown) == shots
    return "".join(f"{part}\n\n" for part in shown), asked


@pytest.mark.parametrize("shots", [0, 5])
def test_equal_within_a_ten_thousandth_of_a_nat(golden, score, shots):
    rows = [row for row in golden if row["shots"] == shots]
    assert len(rows) == 10
    prompts = [split(row["context"], shots) for row in rows]
    scored = score(prompts, [row["continuations"] for row in rows])
    assert scored["scorer"] == "TreeScorer"
    tolerance = 1e-4 if scored["capability"] == "AVX2" else 4e-4
    values = np.array(scored["values"])
    expected = np.array([row["loglikelihoods"] for row in rows])
    np.testing.assert_allclose(values, expected, rtol=0, atol=tolerance)
    assert (values.argmax(axis=1) == expected.argmax(axis=1)).all()

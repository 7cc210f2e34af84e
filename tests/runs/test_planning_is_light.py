"""A plan and a dry run know what will be computed without loading what computes it."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from harness.methods import METHODS

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {
    "torch", "transformers", "sentence_transformers", "sklearn", "datasets", "pandas", "scipy",
    "pyarrow", "huggingface_hub", "tokenizers",
}  # fmt: skip
DRY_RUN = """
import sys
from harness.cli.main import main
try:
    main(["run", "--dry-run", *sys.argv[1:]], prog_name="harness")
except SystemExit as end:
    assert not end.code, end.code
print("loaded:", *sys.modules)
"""
PLAN = """
import sys
from harness.models.resolve import describe_identity
from harness.runs.experiment import Experiment
from harness.runs.plan import make_plan
made = make_plan(Experiment(task=[sys.argv[1]]), describe_identity)
assert made.cells
print("loaded:", *sys.modules)
"""


def loaded(code, *arguments):
    result = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    modules = result.stdout.rpartition("loaded: ")[2].split()
    return {name.partition(".")[0] for name in modules}, result.stdout


@pytest.mark.skipif(
    not version("torch").endswith("+cpu"), reason="a torch for GPUs is asked whether there is one"
)
def test_planning_loads_no_heavy_library(tiny_task_folder, tiny_encoder_folder, tmp_path):
    modules, _ = loaded(PLAN, tiny_task_folder)
    assert not modules & HEAVY
    model = f"encoder:{tiny_encoder_folder}"
    arguments = ["--task", tiny_task_folder, "--model", model, "--out", tmp_path / "out"]
    modules, output = loaded(DRY_RUN, *arguments)
    assert not modules & HEAVY
    cells = sum(3 if "labels" in entry.uses else 1 for entry in METHODS)
    assert f"{cells} cells: 0 there, {cells} to compute, about " in output
    assert not (tmp_path / "out").exists()

"""The command as a process of its own."""

import subprocess
import sys

import pytest


def test_python_m_harness(environment):
    result = subprocess.run(
        [sys.executable, "-m", "harness", "methods", "list"],
        env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("majority ")


def test_a_mistake_has_its_exit_code(environment):
    result = subprocess.run(
        [sys.executable, "-m", "harness", "methods", "show", "tfid"],
        env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("error: there is no method named 'tfid'")


@pytest.mark.parametrize("reader", ["head -1", "true"])
@pytest.mark.parametrize("asked", ["tasks list", "methods show fine_tune", "tasks schema"])
def test_a_reader_that_goes_away(environment, asked, reader):
    result = subprocess.run(
        ["/bin/bash", "-c", f"'{sys.executable}' -m harness {asked} | {reader}"],
        env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")

"""Whatever happens to a run, it ends with the bytes of one to which nothing happened.

A server process has imported the heavy libraries and is forked for every run, so that a run takes
what its own work takes; what a run does after that is what ``harness run`` does.
"""

import json
import multiprocessing
import os
import random
import re
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KILLS = 20
SHARE_OF_THE_WORK = 0.5  # at most that is done before the last kill
METHODS = [
    "majority",
    "tfidf",
    "zero_shot",
    "few_shot:k=4",
    "few_shot:k=4,select=nearest,calibration=batch",
    "prototypes",
    "linear_probe",
    "nearest_neighbours",
    "fine_tune:epochs=1,min_steps=10",
]
WORDS = ("my card", "the", "top up", "rate", "of", "money", "in euros", "Rome", "is lost", "help")
LABELS = ("lost_card", "top_up", "exchange_rate")


def harness(arguments, cache, log):
    """What the forked process does."""
    os.environ["HARNESS_CACHE"] = str(cache)
    from harness.cli.main import main
    from harness.runs import execute

    execute.BLOCK_ROWS = 48
    with log.open("a", encoding="utf-8") as file, redirect_stdout(file), redirect_stderr(file):
        main(arguments, prog_name="harness")


@pytest.fixture(scope="module")
def fork():
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["torch", "transformers", "sentence_transformers", "sklearn.linear_model", "pandas",
         "sklearn.feature_extraction.text", "pyarrow.parquet"]
    )  # fmt: skip
    return context


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    """A task of 240 test rows: five blocks."""
    folder = tmp_path_factory.mktemp("tasks") / "many"
    folder.mkdir()
    chance = random.Random(7)
    for name, rows in (("train", 60), ("test", 240)):
        lines = [
            f"{' '.join(chance.choices(WORDS, k=chance.randint(3, 12)))},{chance.choice(LABELS)}"
            for _ in range(rows)
        ]
        (folder / f"{name}.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    source = {"files": {"train": "train.csv", "test": "test.csv"}, "fields": {"text": "text"}}
    content = {
        "version": "1",
        "kind": "single_label",
        "description": "Many.",
        "data": [source | {"label": "label"}],
        "labels": LABELS,
        "prompt": "intent_v1",
    }
    (folder / "task.yaml").write_text(json.dumps(content))
    return folder


@pytest.fixture(scope="module")
def arguments(task, tiny_causal_lm_folder, tiny_encoder_folder):
    """Gives the command line of the run in a folder."""
    flags = ["--task", task, "--labels", "4/class,8/class", "--draws", "3"]
    flags += ["--model", f"causal_lm:{tiny_causal_lm_folder}"]
    flags += ["--model", f"encoder:{tiny_encoder_folder}"]
    flags += [part for method in METHODS for part in ("--method", method)]
    return lambda run_dir: ["run", *map(str, flags), "--out", str(run_dir)]


@pytest.fixture(scope="module")
def start(fork, arguments):
    """Starts the run in a folder, with a cache beside it."""

    def start(folder):
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / "log"
        process = fork.Process(
            target=harness, args=(arguments(folder / "run"), folder / "cache", log)
        )
        process.start()
        return process

    return start


@pytest.fixture(scope="module")
def undisturbed(start, tmp_path_factory):
    """The folder of a run that nothing happened to, and how many seconds its cells took."""
    folder = tmp_path_factory.mktemp("undisturbed")
    process = start(folder)
    wait_for_work(process, folder / "run", before=None)
    began = time.monotonic()
    assert_ends_well(process, folder)
    return folder / "run", time.monotonic() - began


@pytest.fixture
def assert_equal(undisturbed, cell_bytes, unmeasured):
    """Compares the run in a folder with the undisturbed one."""

    def compare(run_dir):
        expected, _ = undisturbed
        assert cell_bytes(run_dir) == cell_bytes(expected)
        for name in ("table.csv", "cells.csv"):
            assert unmeasured(run_dir, name) == unmeasured(expected, name)
        assert not list((run_dir / "cells").glob(".*.partial"))

    return compare


def assert_ends_well(process, folder):
    process.join(120)
    assert process.exitcode == 0, (folder / "log").read_text()


def changed(manifest):
    return manifest.stat().st_mtime_ns if manifest.exists() else None


def wait_for_work(process, run_dir, *, before):
    """Waits until the process has written its manifest, the first thing it writes."""
    while process.is_alive() and changed(run_dir / "manifest.json") == before:
        time.sleep(0.002)


def state(run_dir):
    """How many cells are finished, and how many blocks each unfinished one has."""
    cells = run_dir / "cells"
    finished = len(list(cells.glob("[!.]*/cell.json")))
    partial = {
        folder.name: len(list(folder.glob("block-*.parquet")))
        for folder in cells.glob(".*.partial")
    }
    return finished, partial


def test_a_run_that_is_killed_again_and_again_ends_as_one_that_was_not(
    start, undisturbed, assert_equal, tmp_path
):
    _, seconds = undisturbed
    chance = random.Random(11)
    shares = [chance.expovariate(1) for _ in range(KILLS)]
    run_dir, states = tmp_path / "run", []
    for number, share in enumerate(shares):
        before = changed(run_dir / "manifest.json")
        process = start(tmp_path)
        if number % 5:  # some are killed while they start
            wait_for_work(process, run_dir, before=before)
        time.sleep(share / sum(shares) * seconds * SHARE_OF_THE_WORK)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL, "it ended before it was killed"
        states.append(state(run_dir))
    finished = [count for count, _ in states]
    assert finished == sorted(finished)
    assert len(set(finished)) > 2, states
    assert sum(any(partial.values()) for _, partial in states) > 1, states
    assert_ends_well(start(tmp_path), tmp_path)
    assert_equal(run_dir)


def test_two_runs_in_one_folder_at_once(start, undisturbed, assert_equal, tmp_path):
    processes = [start(tmp_path), start(tmp_path)]
    for process in processes:
        assert_ends_well(process, tmp_path)
    assert_equal(tmp_path / "run")
    log = (tmp_path / "log").read_text()
    counts = [line.split() for line in log.splitlines() if " computed, " in line]
    computed, reused = ([int(line[place]) for line in counts] for place in (1, 3))
    total = len(list((tmp_path / "run" / "cells").glob("[!.]*")))
    assert sum(computed) == total
    assert [one + other for one, other in zip(computed, reused, strict=True)] == [total, total]


# A shell starts what runs in its background with interrupts ignored, tests among them.
INTERRUPTIBLE = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("harness", run_name="__main__")
"""


def test_an_interrupted_run_says_so_in_one_line_and_goes_on(
    arguments, start, assert_equal, tmp_path
):
    run_dir = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, *arguments(run_dir)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "HARNESS_CACHE": str(tmp_path / "cache")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and state(run_dir)[0] < 14:  # the prompts are being run
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    progress = re.compile(r"$|.*: \d+/\d+ ")
    lines = [line for line in error.splitlines() if not progress.match(line)]
    assert lines == ["interrupted; the same command goes on from here"]
    finished = state(run_dir)[0]
    assert finished >= 14
    assert_ends_well(start(tmp_path), tmp_path)
    assert f", {finished} reused, 0 failed" in (tmp_path / "log").read_text()
    assert_equal(run_dir)


def test_a_terminated_run_ends_as_an_interrupted_one(start, tmp_path):
    process = start(tmp_path)
    wait_for_work(process, tmp_path / "run", before=None)
    process.terminate()
    process.join(60)
    log = (tmp_path / "log").read_text()
    assert process.exitcode == 130, log
    assert log.split("\n")[-2] == "interrupted; the same command goes on from here"
    assert "Traceback" not in log

"""The store: a cell is there whole or not at all, whoever writes it and whatever happens."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from harness.core.types import Prediction
from harness.store.cells import CellStore

ROOT = Path(__file__).resolve().parents[2]
RECORD = {"method": "majority", "labels": ["ä", "b"]}
COSTS = {"fit_seconds": 0.25, "tokens": 7}
FILES = ["cell.json", "costs.json", "predictions.parquet"]
ASK = """
import sys
from contextlib import suppress
from pathlib import Path
from harness.store.cells import CellStore
print("asking", flush=True)
with CellStore(Path(sys.argv[1])).write("cell") as writer:
    print("nothing to do" if writer is None else "to be written", flush=True)
"""
HOLD = """
import sys, time
from pathlib import Path
from harness.core.types import Prediction
from harness.store.cells import CellStore
with CellStore(Path(sys.argv[1])).write("cell") as writer:
    writer.write_block(0, [0, 1], [Prediction("a"), Prediction("b")], {"own_seconds": 1})
    print("holding", flush=True)
    time.sleep(600)
"""


def predictions(text):
    return [Prediction(letter) for letter in text]


def write(store, identity="cell", text="abba", blocks=2):
    """Writes a cell in blocks of equal length, where it is not there yet."""
    size = len(text) // blocks
    with store.write(identity) as writer:
        for number in range(blocks):
            rows = range(number * size, (number + 1) * size)
            writer.write_block(number, rows, predictions(text[number * size :][:size]), {})
        writer.finish(blocks, record=RECORD, costs=COSTS)


def contents(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def store(tmp_path):
    return CellStore(tmp_path)


@pytest.fixture
def start(tmp_path):
    """Starts another process on the same store."""
    started = []

    def start(code):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_store_is_not_made_by_looking_into_it(store, tmp_path):
    assert not store.has("cell")
    assert list(tmp_path.iterdir()) == []


def test_a_cell_comes_back(store):
    write(store)
    assert store.has("cell")
    assert not store.has("other")
    assert store.record("cell") == RECORD
    assert store.costs("cell") == COSTS
    stored = store.predictions("cell")
    assert stored.rows == (0, 1, 2, 3)
    assert stored.predictions == tuple(predictions("abba"))


def test_a_finished_cell_is_three_files_and_leaves_nothing_else(store):
    write(store)
    assert contents(store.folder) == [".locks", "cell"]
    assert contents(store.folder / "cell") == FILES


def test_a_cell_appears_when_it_is_finished(store):
    with store.write("cell") as writer:
        writer.write_block(0, [0], predictions("a"), {})
        assert not store.has("cell")
        assert not (store.folder / "cell").exists()
        writer.finish(1, record=RECORD, costs=COSTS)
        assert store.has("cell")


def test_the_bytes_do_not_depend_on_the_blocks(store):
    for identity, blocks in (("one", 1), ("two", 2), ("four", 4)):
        write(store, identity, blocks=blocks)
    for name in FILES:
        assert (
            len({(store.folder / cell / name).read_bytes() for cell in ("one", "two", "four")}) == 1
        )


def test_blocks_survive_an_error(store):
    with suppress(RuntimeError), store.write("cell") as writer:
        writer.write_block(0, [0, 1], predictions("ab"), {"own_seconds": 1.5})
        raise RuntimeError
    with store.write("cell") as writer:
        assert writer.has_block(0)
        assert not writer.has_block(1)
        assert writer.block_costs(0) == {"own_seconds": 1.5}
        writer.write_block(1, [2, 3], predictions("ba"), {})
        writer.finish(2, record=RECORD, costs=COSTS)
    assert store.predictions("cell").predictions == tuple(predictions("abba"))
    assert contents(store.folder) == [".locks", "cell"]


def test_costs_without_their_block_do_not_make_one(store):
    with store.write("cell") as writer:
        writer.write_block(0, [0], predictions("a"), {})
        (writer.partial / "block-00000.parquet").unlink()
        assert not writer.has_block(0)


def test_what_a_kill_left_while_a_cell_was_joined_is_not_in_it(store):
    with store.write("cell") as writer:
        (writer.partial / "whole").mkdir()
        (writer.partial / "whole" / ".predictions.parquet.x.tmp").write_bytes(b"half")
        (writer.partial / "whole" / "costs.json").write_bytes(b"{}")
        writer.write_block(0, [0], predictions("a"), {})
        writer.finish(1, record=RECORD, costs=COSTS)
    assert contents(store.folder / "cell") == FILES
    assert store.costs("cell") == COSTS


def test_a_leftover_beside_a_finished_cell_changes_nothing(store):
    write(store)
    leftover = store.folder / ".cell.partial"
    leftover.mkdir()
    (leftover / "block-00000.parquet").write_bytes(b"another")
    before = {name: (store.folder / "cell" / name).read_bytes() for name in FILES}
    with store.write("cell") as writer:
        assert writer is None
    assert {name: (store.folder / "cell" / name).read_bytes() for name in FILES} == before
    (store.folder / ".other.partial").mkdir()
    store.tidy()
    assert contents(store.folder) == [".locks", ".other.partial", "cell"]
    assert contents(store.folder / "cell") == FILES


@pytest.mark.parametrize("left", [[], ["predictions.parquet"]])
def test_a_cell_whose_files_were_taken_away_is_written_again(store, left):
    write(store)
    for name in set(FILES) - set(left):
        (store.folder / "cell" / name).unlink()
    assert not store.has("cell")
    write(store, text="bbbb")
    assert contents(store.folder / "cell") == FILES
    assert store.predictions("cell").predictions == tuple(predictions("bbbb"))


def test_cells_do_not_wait_for_each_other(store):
    with store.write("one"):
        write(store, "two")
    assert store.has("two")


def test_a_second_writer_waits_and_finds_the_cell_done(store, start):
    with store.write("cell") as writer:
        other = start(ASK)
        assert other.stdout.readline() == "asking\n"
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(0.5)
        writer.write_block(0, [0], predictions("a"), {})
        writer.finish(1, record=RECORD, costs=COSTS)
    assert other.communicate(timeout=30)[0] == "nothing to do\n"


def test_a_second_writer_takes_over_from_one_that_failed(store, start):
    with suppress(RuntimeError), store.write("cell"):
        other = start(ASK)
        assert other.stdout.readline() == "asking\n"
        raise RuntimeError
    assert other.communicate(timeout=30)[0] == "to be written\n"


def test_a_killed_writer_leaves_its_blocks_and_no_lock(store, start):
    other = start(HOLD)
    assert other.stdout.readline() == "holding\n"
    other.send_signal(signal.SIGKILL)
    other.wait(30)
    with store.write("cell") as writer:
        assert writer.has_block(0)
        writer.write_block(1, [2, 3], predictions("ba"), {})
        writer.finish(2, record=RECORD, costs=COSTS)
    assert store.predictions("cell").predictions == tuple(predictions("abba"))

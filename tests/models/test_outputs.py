import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from harness.core.types import Cost
from harness.models.mapped import MAPPED_BYTES, mapped_tensors
from harness.models.outputs import DamagedFileWarning, OutputStore, TextStore, content_key


def filled(folder, names, *, seconds=1.0, width=3):
    store = OutputStore(folder)
    values = np.array([[len(name), ord(name[0]), 0.5] for name in names], np.float32)[:, :width]
    costs = [Cost(seconds, len(name)) for name in names]
    store.put([content_key(name) for name in names], values, costs)
    return store


def test_round_trip(tmp_path):
    filled(tmp_path / "new" / "folder", ["one", "three"])
    store = OutputStore(tmp_path / "new" / "folder")
    keys = [content_key(name) for name in ("three", "one", "three")]
    assert store.missing(keys) == []
    values, costs = store.get(keys)
    assert values.dtype == np.float32
    assert values.tolist() == [[5, 116, 0.5], [3, 111, 0.5], [5, 116, 0.5]]
    assert costs == {keys[0]: Cost(1.0, 5), keys[1]: Cost(1.0, 3)}


def test_what_is_read_back_has_the_same_bits(tmp_path):
    values = np.random.default_rng(0).normal(size=(7, 5))  # float64 on purpose
    keys = [content_key(str(row)) for row in range(7)]
    first = OutputStore(tmp_path)
    first.put(keys, values, [Cost(0.1 * row, row) for row in range(7)])
    second = OutputStore(tmp_path)
    assert second.missing(keys) == []
    assert first.get(keys)[0].dtype == np.float32
    assert first.get(keys)[0].tobytes() == second.get(keys)[0].tobytes()
    assert first.get(keys)[1] == second.get(keys)[1]


def test_missing_names_each_key_once(tmp_path):
    store = filled(tmp_path, ["one"])
    keys = [content_key(name) for name in ("two", "one", "two", "three")]
    assert store.missing(keys) == [0, 3]
    with pytest.raises(KeyError):
        store.get(keys)


def test_two_stores_of_one_folder_see_what_the_other_writes(tmp_path):
    here, there = OutputStore(tmp_path), OutputStore(tmp_path)
    keys = [content_key(name) for name in ("one", "two")]
    assert here.missing(keys) == [0, 1]
    there.put(keys[:1], np.ones((1, 2), np.float32), [Cost(1, 1)])
    assert here.missing(keys) == [1]
    here.put(keys[1:], np.zeros((1, 2), np.float32), [Cost(2, 2)])
    assert there.missing(keys) == []
    assert there.get(keys)[0].tolist() == [[1, 1], [0, 0]]


def test_the_first_computation_counts(tmp_path):
    store = filled(tmp_path, ["one"], seconds=9.0)
    key = content_key("one")
    store.put([key], np.zeros((1, 3), np.float32), [Cost(1.0, 1)])
    assert store.get([key])[1] == {key: Cost(9.0, 3)}
    assert store.get([key])[0].tolist() == [[3, 111, 0.5]]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-3],
        lambda data: data[:0],
        lambda data: data[:200] + bytes([data[200] ^ 1]) + data[201:],
        lambda data: data + b"\0",
    ],
    ids=["cut", "empty", "altered", "longer"],
)
def test_a_damaged_file_is_put_aside_and_computed_again(tmp_path, spoil):
    filled(tmp_path, ["one"], seconds=1)
    filled(tmp_path, ["two"], seconds=2)
    keys = [content_key(name) for name in ("one", "two")]
    file = next(path for path in tmp_path.iterdir() if OutputStore(tmp_path).missing(keys) == [])
    file.write_bytes(spoil(file.read_bytes()))
    store = OutputStore(tmp_path)
    with pytest.warns(DamagedFileWarning, match="computed again"):
        missing = store.missing(keys)
    assert len(missing) == 1
    assert [path.suffix for path in sorted(tmp_path.iterdir())].count(".damaged") == 1
    store.put([keys[missing[0]]], np.ones((1, 3), np.float32), [Cost(3, 3)])
    assert OutputStore(tmp_path).missing(keys) == []


def test_a_file_that_another_process_puts_aside_is_passed_over(tmp_path, monkeypatch):
    filled(tmp_path, ["one"])
    file = next(tmp_path.iterdir())
    store = OutputStore(tmp_path)
    monkeypatch.setattr(type(tmp_path), "glob", lambda *_: [file])
    file.rename(file.with_suffix(".damaged"))
    assert store.missing([content_key("one")]) == [0]


def test_leftovers_of_a_killed_writer_are_not_read(tmp_path):
    (tmp_path / ".abc.safetensors.x1.tmp").write_bytes(b"half")
    assert OutputStore(tmp_path).missing([content_key("one")]) == [0]
    assert len(list(tmp_path.iterdir())) == 1


def test_nothing_to_keep_leaves_no_file(tmp_path):
    OutputStore(tmp_path).put([], np.empty((0, 3), np.float32), [])
    assert list(tmp_path.iterdir()) == []


def test_outputs_without_values_keep_their_costs(tmp_path):
    key = content_key("head")
    OutputStore(tmp_path).put([key], np.empty((1, 0), np.float32), [Cost(0.5, 40)])
    store = OutputStore(tmp_path)
    assert store.missing([key]) == []
    assert store.get([key])[1] == {key: Cost(0.5, 40)}


def test_no_keys_give_no_rows(tmp_path):
    values, costs = OutputStore(tmp_path).get([])
    assert len(values) == 0
    assert costs == {}


@pytest.mark.parametrize(
    ("keys", "values", "costs"),
    [(1, np.zeros((2, 3)), 1), (2, np.zeros((2, 3)), 1), (1, np.zeros(3), 1)],
)
def test_what_does_not_fit_is_refused(tmp_path, keys, values, costs):
    with pytest.raises(ValueError, match="do not fit"):
        OutputStore(tmp_path).put([bytes(16)] * keys, values, [Cost()] * costs)
    assert list(tmp_path.iterdir()) == []


WRITER = """
import sys
from pathlib import Path
import numpy as np
from harness.core.types import Cost
from harness.models.outputs import OutputStore, TextStore, content_key

folder, number = Path(sys.argv[1]), int(sys.argv[2])
store = OutputStore(folder)
names = [str(name) for name in range(number * 5, number * 5 + 20)]  # some shared with others
for start in range(0, 20, 4):
    keys = [content_key(name) for name in names[start : start + 4]]
    todo = store.missing(keys)
    values = np.array([[int(names[start + place])] * 3 for place in todo], np.float32)
    store.put([keys[place] for place in todo], values.reshape(-1, 3), [Cost(1, 1)] * len(todo))
keys = [content_key(name) for name in names]
assert store.missing(keys) == []
assert store.get(keys)[0][:, 0].tolist() == [float(name) for name in names]
"""


def test_four_processes_at_once(tmp_path):
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    writers = [subprocess.Popen([*command, str(number)]) for number in range(4)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0, 0]
    store = OutputStore(tmp_path)
    keys = [content_key(str(name)) for name in range(35)]
    assert store.missing(keys) == []
    assert store.get(keys)[0][:, 2].tolist() == list(range(35))
    assert {path.suffix for path in tmp_path.iterdir()} == {".safetensors"}


@pytest.mark.parametrize(
    "texts", [["a", "", "Zürich\n", "\udcff \0"], [""], ["", ""]], ids=["many", "one", "empty"]
)
def test_texts_are_read_back_as_they_were(tmp_path, texts):
    keys = [content_key(str(place)) for place in range(len(texts))]
    costs = [Cost(0.5, place) for place in range(len(texts))]
    first = TextStore(tmp_path)
    first.put(keys, texts, costs)
    second = TextStore(tmp_path)
    assert second.missing(keys) == []
    turned = second.read(keys[::-1])
    assert turned == (texts[::-1], dict(zip(keys, costs, strict=True)))
    assert turned == first.read(keys[::-1])


def test_a_damaged_file_of_texts_is_put_aside(tmp_path):
    key = content_key("one")
    TextStore(tmp_path).put([key], ["text"], [Cost()])
    [file] = tmp_path.iterdir()
    file.write_bytes(file.read_bytes().replace(b"text", b"test"))
    with pytest.warns(DamagedFileWarning):
        assert TextStore(tmp_path).missing([key]) == [0]
    assert [path.suffix for path in tmp_path.iterdir()] == [".damaged"]


def test_texts_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises(ValueError, match="do not fit"):
        TextStore(tmp_path).put([bytes(16)], ["a", "b"], [Cost()])
    TextStore(tmp_path).put([], [], [])
    assert list(tmp_path.iterdir()) == []


def test_keys_do_not_run_together():
    texts = [("ab", "c"), ("a", "bc"), ("abc",), ("abc", ""), ("", "abc"), ()]
    assert len({content_key(*text) for text in texts}) == len(texts)
    assert content_key("é", "\ud800") == content_key("é", "\ud800")
    assert len(content_key("x")) == 16


def test_large_files_are_mapped_and_not_held_in_memory(tmp_path):
    values = np.random.default_rng(0).normal(size=(2000, 384)).astype(np.float32)
    keys = [content_key(str(row)) for row in range(len(values))]
    OutputStore(tmp_path).put(keys, values, [Cost()] * len(keys))
    [file] = tmp_path.iterdir()
    assert file.stat().st_size > MAPPED_BYTES
    store = OutputStore(tmp_path)
    tracemalloc.start()
    assert store.missing(keys) == []
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < values.nbytes / 2
    assert (store.get(keys[::-1])[0] == values[::-1]).all()
    assert not store.read(keys[:1])[0][0].flags.writeable


def test_tensors_are_what_safetensors_reads(tmp_path):
    from safetensors.numpy import load_file, save_file

    tensors = {
        "f": np.arange(6, dtype=np.float32).reshape(2, 3),
        "d": np.arange(3, dtype=np.float64),
        "i": np.array([[-1]], dtype=np.int64),
        "u": np.zeros((0, 4), dtype=np.uint8),
        "large": np.arange(400_000, dtype=np.float32),
    }
    for names in (["f", "d", "i", "u"], list(tensors)):
        path = tmp_path / f"{len(names)}.safetensors"
        save_file({name: tensors[name] for name in names}, path)
        found, right = mapped_tensors(path), load_file(path)
        assert found.keys() == right.keys()
        for name, value in right.items():
            assert found[name].dtype == value.dtype
            assert (found[name] == value).all()
            assert found[name].shape == value.shape

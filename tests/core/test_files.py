import json
import threading
from contextlib import suppress

import pytest

from harness.core import files
from harness.core.errors import UserError


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_atomic_write_makes_folders_and_replaces(tmp_path):
    path = tmp_path / "a" / "b" / "file.txt"
    files.atomic_write(path, "größer\n")
    files.atomic_write(path, "Zürich\n")
    assert path.read_bytes() == "Zürich\n".encode()
    assert names(path.parent) == ["file.txt"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / "file"
    files.atomic_write(path, b"old")
    with suppress(RuntimeError), files.atomic_path(path) as aside:
        aside.write_bytes(b"half of the n")
        raise RuntimeError
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_readers_see_the_old_file_or_the_new_one(tmp_path):
    path = tmp_path / "file"
    contents = [bytes([letter]) * 200_000 for letter in b"ab"]
    files.atomic_write(path, contents[0])

    def write(content):
        for _ in range(20):
            files.atomic_write(path, content)

    writers = [threading.Thread(target=write, args=(content,)) for content in contents]
    for writer in writers:
        writer.start()
    seen = {path.read_bytes() for _ in range(200)}
    for writer in writers:
        writer.join()
    assert seen <= set(contents)
    assert names(tmp_path) == ["file"]


def test_a_folder_appears_when_it_is_whole(tmp_path):
    target = tmp_path / "deep" / "folder"
    with files.atomic_folder(target) as aside:
        (aside / "one").write_text("1")
        assert not target.exists()
    assert names(target) == ["one"]
    assert target.stat().st_mode & 0o777 == 0o755
    assert names(target.parent) == ["folder"]


def test_a_folder_that_fails_does_not_appear(tmp_path):
    target = tmp_path / "folder"
    with suppress(RuntimeError), files.atomic_folder(target) as aside:
        (aside / "one").write_text("1")
        raise RuntimeError
    assert names(tmp_path) == []


def test_of_two_folders_the_first_stays(tmp_path):
    target = tmp_path / "folder"
    with files.atomic_folder(target) as slow:
        (slow / "which").write_text("slow")
        with files.atomic_folder(target) as fast:
            (fast / "which").write_text("fast")
    assert (target / "which").read_text() == "fast"
    assert names(tmp_path) == ["folder"]


def test_what_a_killed_writer_left_is_removed_and_nothing_else(tmp_path):
    for name in (".folder.ab12.tmp", ".folder2.ab12.tmp", "folder", ".folder.lock"):
        (tmp_path / name).mkdir()
    files.remove_unfinished(tmp_path / "folder")
    assert names(tmp_path) == [".folder.lock", ".folder2.ab12.tmp", "folder"]


def test_a_folder_is_not_moved_onto_a_file(tmp_path):
    (tmp_path / "target").write_text("a file")
    (tmp_path / "source").mkdir()
    with pytest.raises(OSError, match="target"):
        files.move_folder(tmp_path / "source", tmp_path / "target")
    assert (tmp_path / "source").is_dir()


def test_hashes_are_sha256(tmp_path):
    # Of "abc": FIPS 180-2, appendix B.1.
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    (tmp_path / "abc").write_bytes(b"abc")
    assert files.sha256_bytes(b"abc") == expected
    assert files.sha256_file(tmp_path / "abc") == expected


def test_the_hash_of_json_sees_values_and_not_the_order_of_keys():
    assert files.hash_json({"a": 1, "b": [1, 2]}) == files.hash_json({"b": [1, 2], "a": 1})
    different = [{"a": [1, 2]}, {"a": [2, 1]}, {"a": ["1", 2]}, {"a": None}, {}, [["a", [1, 2]]],
                 {"a": [1.5, 2]}, {"a": "é"}, {"a": "e\u0301"}, {"a": "\ud800"}]  # fmt: skip
    assert len({files.hash_json(value) for value in different}) == len(different)


def test_canonical_json_is_short_and_keeps_letters():
    assert files.canonical_json({"b": "é", "a": [1, None]}) == '{"a":[1,null],"b":"é"}'


def test_pretty_json_keeps_the_order_and_is_read_back(tmp_path):
    value = {"b": "Zürich", "a": [1, 2.5, None, True]}
    text = files.pretty_json(value)
    assert text.endswith("}\n")
    assert text.index('"b"') < text.index('"a"')
    assert "Zürich" in text
    files.atomic_write(tmp_path / "x.json", text)
    assert files.read_json(tmp_path / "x.json") == json.loads(text) == value


def test_inside_gives_a_path_below_the_root(tmp_path):
    assert files.inside(tmp_path, "a/../b.csv") == tmp_path.resolve() / "b.csv"


@pytest.mark.parametrize("relative", ["../x", "a/../../x", "/etc/passwd", "link/x"])
def test_inside_refuses_a_way_out(tmp_path, relative):
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    with pytest.raises(UserError, match="leads out") as caught:
        files.inside(root, relative, where="task.yaml:3")
    assert caught.value.where == "task.yaml:3"
    assert repr(relative) in str(caught.value)

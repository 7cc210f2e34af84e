from pathlib import Path

import pytest

from harness.core import pins
from harness.core.cache import cache_dir
from harness.core.errors import UserError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_first_revision_stays(cache):
    assert pins.pin("a") is None
    assert pins.record("a", "111") == "111"
    assert pins.record("a", "222") == "111"
    assert pins.record("b", "333") == "333"
    assert (pins.pin("a"), pins.pin("b")) == ("111", "333")


@pytest.mark.parametrize("content", ["{", "[]", b"\xff"])
def test_a_damaged_file_says_so(cache, content):
    cache.mkdir()
    (cache / "pins.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match=r"pins\.json"):
        pins.pin("a")


def test_cache_folder(monkeypatch, tmp_path):
    assert cache_dir() == tmp_path / "cache"
    monkeypatch.setenv("HARNESS_CACHE", "~/somewhere")
    assert cache_dir() == Path.home() / "somewhere"
    monkeypatch.delenv("HARNESS_CACHE")
    assert cache_dir().name == "harness"

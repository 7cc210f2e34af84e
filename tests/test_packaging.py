"""What is built holds what it must, and works from an empty folder once it is installed."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from harness import __version__

ROOT = Path(__file__).resolve().parents[1]


def run(*command, cwd):
    """Returns what a command prints; fails with it where the command does."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    result = subprocess.run(
        [str(part) for part in command],
        cwd=cwd, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the files of the repository, those not yet committed too."""
    target = tmp_path_factory.mktemp("repository") / "harness"
    listing = run("git", "ls-files", "-z", "-co", "--exclude-standard", cwd=ROOT)
    for name in filter(None, listing.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


@pytest.fixture(scope="module")
def built(copy, tmp_path_factory):
    """The folder with the sdist, and the wheel made from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, copy, cwd=folder)
    return folder


def test_the_wheel_holds_what_the_repository_holds(built, copy):
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        held = {name for name in wheel.namelist() if ".dist-info/" not in name}
        metadata = wheel.read(f"harness-{__version__}.dist-info/METADATA").decode()
        assert f"harness-{__version__}.dist-info/licenses/LICENSE" in wheel.namelist()
    code = files(copy, "harness")
    shipped = {f"harness/shipped/{name}" for name in files(copy, "tasks") | files(copy, "prompts")}
    assert held == code | shipped
    assert "harness/py.typed" in code
    assert f"\nVersion: {__version__}\n" in metadata
    assert "\nRequires-Python: >=3.11\n" in metadata
    assert "\nLicense-Expression: Apache-2.0\n" in metadata
    assert (copy / "README.md").read_text("utf-8")[:200] in metadata


def test_the_sdist_holds_what_a_wheel_is_made_from_and_no_tests(built, copy):
    with tarfile.open(next(built.glob("*.tar.gz"))) as sdist:
        held = {member.name.partition("/")[2] for member in sdist if member.isfile()}
    held = {name for name in held if not name.startswith("harness.egg-info/")} - {"PKG-INFO"}
    tops = {"LICENSE", "README.md", "CHANGELOG.md", "CITATION.cff", "MANIFEST.in"}
    tops |= {"setup.cfg", "pyproject.toml"}
    assert held == tops | files(copy, "harness") | files(copy, "prompts") | files(copy, "tasks")


def files(root, folder):
    return {str(path.relative_to(root)) for path in (root / folder).rglob("*") if path.is_file()}


@pytest.fixture(params=["wheel", "editable"])
def installed(request, built, copy, tmp_path):
    """The folder of an environment with the harness, and where the harness lies.

    It sees the other packages of the tests' own environment, so that nothing is fetched.
    """
    folder = tmp_path / "environment"
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=tmp_path)
    seen = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    [own] = folder.glob("lib/python*/site-packages")
    (own / "of_the_tests.pth").write_text("\n".join(sorted(seen)) + "\n")
    way = {"wheel": [*built.glob("*.whl")], "editable": ["--no-build-isolation", "-e", copy]}
    run(
        sys.executable, "-m", "pip", "--python", folder / "bin/python", "install", "--no-deps",
        "--no-index", "--ignore-installed", *way[request.param], cwd=tmp_path,
    )  # fmt: skip
    return folder, copy if request.param == "editable" else own


def test_an_installed_harness_works_from_an_empty_folder(installed, copy, tmp_path):
    environment, home = installed
    python, script = environment / "bin/python", environment / "bin/harness"
    empty = tmp_path / "empty"
    empty.mkdir()
    where = Path(run(python, "-c", "import harness; print(harness.__file__)", cwd=empty).strip())
    assert where.resolve().is_relative_to(home.resolve())
    assert where.with_name("py.typed").is_file()
    assert __version__ in run(python, "-m", "harness", "--version", cwd=empty)
    for folder in ("tasks", "prompts"):
        names = {path.stem for path in (copy / folder).glob("*.yaml")}
        names |= {path.parent.name for path in (copy / folder).glob("*/task.yaml")}
        listed = run(script, folder, "list", cwd=empty).splitlines()
        assert {line.split()[0] for line in listed} == names
    assert "licence:" in run(script, "tasks", "show", "customer_emails", cwd=empty)
    assert "answer:" in run(script, "prompts", "show", "customer_email_v1", cwd=empty)
    assert not list(empty.iterdir())
    run(script, "run", "--task", "customer_emails", "--method", "majority", cwd=empty)
    assert (empty / "results/customer_emails/table.csv").is_file()

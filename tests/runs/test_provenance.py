import getpass
import json
import platform
from importlib.metadata import version
from pathlib import Path

from harness import __version__
from harness.runs.provenance import environment


def test_versions_and_machine_as_json():
    found = environment()
    assert json.loads(json.dumps(found)) == found
    assert found["harness"] == __version__
    assert found["packages"]["torch"] == version("torch")
    assert found["numerics"]["dtype"] == "float32"
    assert found["machine"]["cores"] >= 1


def test_a_package_that_is_not_installed_is_left_out(monkeypatch):
    from harness.runs import provenance

    monkeypatch.setattr(provenance, "PACKAGES", ("numpy", "no-such-package"))
    assert environment()["packages"] == {"numpy": version("numpy")}


def test_nothing_says_who_or_where():
    text = json.dumps(environment())
    private = [platform.node(), str(Path.home()), str(Path.cwd())]
    if len(getpass.getuser()) > 4:  # "root" may stand in any text
        private.append(getpass.getuser())
    assert not [name for name in private if name in text]

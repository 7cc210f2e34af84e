import warnings
from pathlib import Path

import pytest

from harness.core import lookup
from harness.core.errors import UserError
from harness.core.lookup import ShadowWarning, find, list_names, shipped


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The current folder, and a package that is installed beside the folders of shipped files."""
    for folder in ("tasks", "prompts"):
        (tmp_path / "checkout" / folder).mkdir(parents=True)
        (tmp_path / "checkout" / folder / "ours.yaml").write_text("a: 1\n")
    (tmp_path / "here" / "tasks" / "deep").mkdir(parents=True)
    (tmp_path / "here" / "tasks" / "deep" / "task.yaml").write_text("a: 1\n")
    (tmp_path / "here" / "tasks" / "flat.yaml").write_text("a: 1\n")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(lookup, "_PACKAGE", tmp_path / "checkout" / "harness")
    return tmp_path


def test_names(here):
    assert find("flat", "tasks") == Path("tasks/flat.yaml")
    assert find("deep", "tasks") == Path("tasks/deep/task.yaml")
    assert find("ours", "tasks") == here / "checkout/tasks/ours.yaml"
    assert find("ours", "prompts") == here / "checkout/prompts/ours.yaml"
    assert list(list_names("tasks")) == ["deep", "flat", "ours"]
    assert list(list_names("prompts")) == ["ours"]


def test_paths(here):
    assert find("./tasks/flat.yaml", "tasks") == Path("tasks/flat.yaml")
    assert find("tasks/deep", "tasks") == Path("tasks/deep/task.yaml")
    assert find(Path("tasks/deep"), "tasks") == Path("tasks/deep/task.yaml")
    with pytest.raises(UserError, match="no such file"):
        find("flat.yaml", "tasks")


def test_an_unknown_name_lists_what_exists(here):
    with pytest.raises(UserError) as caught:
        find("falt", "tasks")
    assert "deep, flat, ours" in str(caught.value)
    assert "did you mean 'flat'?" in str(caught.value)


@pytest.mark.parametrize("name", ["..", ".", "", "tasks"])
def test_a_name_leads_nowhere_else(here, name):
    (here / "here" / "task.yaml").write_text("a: 1\n")
    with pytest.raises(UserError, match="there is no task named"):
        find(name, "tasks")


def test_a_shadowed_name_warns(here):
    (here / "here/tasks/ours.yaml").write_text("a: 2\n")
    with pytest.warns(ShadowWarning, match="ours"):
        assert find("ours", "tasks") == Path("tasks/ours.yaml")


def test_the_checkout_does_not_shadow_itself(here, monkeypatch):
    monkeypatch.chdir(here / "checkout")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert find("ours", "tasks") == Path("tasks/ours.yaml")


def test_files_inside_an_installed_package_come_first(here):
    (here / "checkout/harness/shipped/tasks").mkdir(parents=True)
    assert shipped("tasks") == here / "checkout/harness/shipped/tasks"
    assert shipped("prompts") == here / "checkout/prompts"

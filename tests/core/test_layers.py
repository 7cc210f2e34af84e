import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.core.errors import UserError
from harness.core.layers import DEPTH, load_layers, with_settings
from harness.core.yaml import load_yaml

BELOW = """\
version: 1
labels: [a, b]
data:
  - {path: x.csv, label: c}
notes:
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The current folder, with ``below.yaml`` and ``tasks/known.yaml`` in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "below.yaml").write_text(BELOW)
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "known.yaml").write_text("name: known\nversion: 7\n")
    return tmp_path


@pytest.fixture
def load(here):
    """Writes a file and reads it with what it includes."""

    def load(text, name="top.yaml", own=()):
        path = here / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return load_layers(path, "tasks", own=own)

    return load


def refusal(load, text, **more):
    with pytest.raises(UserError) as caught:
        load(text, **more)
    return str(caught.value)


def test_a_key_replaces_the_whole_of_what_is_included(load):
    located = load("labels: [c]\ninclude: below.yaml\nmore: 1\n")
    assert located.data == {
        "version": "1",
        "labels": ["c"],
        "data": [{"path": "x.csv", "label": "c"}],
        "more": "1",
    }


def test_every_place_is_in_the_file_it_stands_in(load, here):
    located = load("include: below.yaml\n\nlabels: [c]\n")
    top, below = here / "top.yaml", here / "below.yaml"
    assert located.where(("labels", 0)) == f"{top}:3: labels[0]"
    assert located.where(("data", 0, "label")) == f"{below}:4: data[0].label"
    assert located.where(("data", 0, "absent")) == f"{below}:4: data[0].absent"
    assert located.where(("notes",)) == f"{below}:5: notes"
    assert located.where(("absent",)) == f"{top}:1: absent"
    assert located.where() == f"{top}:1"
    assert (located.origin(("data",)), located.origin()) == (below, top)
    assert located.empty == {("notes",)}


def test_a_key_without_value_takes_what_is_included_away(load):
    located = load("include: below.yaml\nlabels:\n")
    assert "labels" not in located.data
    assert ("labels",) in located.empty
    assert located.where(("labels",)).endswith("top.yaml:2: labels")


def test_some_keys_are_not_inherited(load):
    assert load("include: known\n", own=["name"]).data == {"version": "7"}
    assert load("include: known\nname: top\n", own=["name"]).data["name"] == "top"


def test_an_included_file_includes_another(load, here):
    (here / "middle.yaml").write_text("include: below.yaml\nversion: 2\nnotes: x\n")
    located = load("include: middle.yaml\n")
    assert located.data["version"] == "2"
    assert located.where(("version",)) == f"{here}/middle.yaml:2: version"
    assert located.where(("data",)) == f"{here}/below.yaml:3: data"
    assert located.empty == frozenset()


def test_a_path_is_relative_to_the_file(load, here):
    (here / "sub").mkdir()
    (here / "sub" / "below.yaml").write_text("version: 3\n")
    assert load("include: below.yaml\n", name="sub/top.yaml").data["version"] == "3"
    assert load("include: sub/below.yaml\n").data["version"] == "3"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("absent.yaml", "top.yaml:2: include: there is no such file"),
        ("knwon", "top.yaml:2: include: there is no task named 'knwon'"),
        ("knwon", "did you mean 'known'?"),
        ("../top.yaml", "top.yaml:2: include: this path leads out of its folder"),
        ("/etc/hosts", "top.yaml:2: include: this path leads out of its folder"),
        ("tasks/../../x.yaml", "top.yaml:2: include: this path leads out of its folder"),
        ("[below.yaml]", "top.yaml:2: include: wrong value"),
        ("{a: b}", "top.yaml:2: include: wrong value"),
        ("", "top.yaml:2: include: this key has no value"),
        ("top.yaml", "top.yaml:2: include: this include leads back"),
        ("./top.yaml", "top.yaml:2: include: this include leads back"),
        ("tasks", "there is no task named 'tasks'"),
        ("tasks/", "there is no such file"),
    ],
)
def test_an_include_that_leads_nowhere(load, written, expected):
    assert expected in refusal(load, f"version: 1\ninclude: {written}\n")


def test_a_link_out_of_the_folder_is_refused(load, here, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "x.yaml"
    outside.write_text(BELOW)
    (here / "link.yaml").symlink_to(outside)
    assert "leads out of its folder" in refusal(load, "include: link.yaml\n")


def test_files_that_include_each_other(load, here):
    (here / "below.yaml").write_text("a: 1\ninclude: top.yaml\n")
    assert "below.yaml:2: include: this include leads back" in refusal(load, "include: below.yaml")


def test_too_many_files(load, here):
    for number in range(DEPTH):
        (here / f"f{number}.yaml").write_text(f"include: f{number + 1}.yaml\n")
    (here / f"f{DEPTH}.yaml").write_text("version: 1\n")
    assert load("include: f1.yaml\n").data == {"version": "1"}
    message = refusal(load, "include: f0.yaml\n")
    assert f"f{DEPTH - 1}.yaml:1: include: included deeper than {DEPTH} files" in message


def test_what_is_wrong_in_an_included_file_is_said_of_that_file(load, here):
    (here / "below.yaml").write_text("a: 1\nb: [\n")
    message = refusal(load, "include: below.yaml\n")
    assert "below.yaml:3: not valid YAML" in message


@pytest.fixture
def put(here):
    """Reads ``below.yaml`` with some settings."""
    return lambda *settings: with_settings(load_yaml(here / "below.yaml"), settings)


def test_a_setting_is_text(put):
    assert put("version=0.3").data["version"] == "0.3"
    assert put("version= a=b ").data["version"] == "a=b"
    assert put("version=yes").data["version"] == "yes"
    assert put("version='[x]'").data["version"] == "[x]"


def test_a_setting_may_be_a_list_or_a_mapping(put):
    assert put("labels=[x, 007]").data["labels"] == ["x", "007"]
    assert put("labels={name: x}").data["labels"] == {"name": "x"}


def test_a_path_of_dots(put):
    assert put("data.0.label=d").data["data"] == [{"path": "x.csv", "label": "d"}]
    assert put("labels.1=c").data["labels"] == ["a", "c"]
    assert put("labels.2=c").data["labels"] == ["a", "b", "c"]
    assert put("splits.test=0.3").data["splits"] == {"test": "0.3"}
    assert put("notes.deep.er=x").data["notes"] == {"deep": {"er": "x"}}
    assert put("splits.test=0.3", "splits.seed=2").data["splits"] == {"test": "0.3", "seed": "2"}
    assert put("version=2", "version=3").data["version"] == "3"


def test_an_empty_setting_takes_a_key_away(put):
    located = put("version=", "data.0.label=")
    assert "version" not in located.data
    assert located.data["data"] == [{"path": "x.csv"}]
    assert {("version",), ("data", 0, "label")} <= located.empty


def test_a_setting_has_the_flag_as_its_place(put, here):
    located = put("data.0.label=d", "labels=[x, y]", "notes=z", "splits.test=0.3")
    assert located.where(("data", 0, "label")) == "--set data[0].label"
    assert located.where(("data", 0, "path")) == f"{here}/below.yaml:4: data[0].path"
    assert located.where(("labels", 1)) == "--set labels[1]"
    assert located.where(("splits", "test")) == "--set splits.test"
    assert located.empty == frozenset()


def test_the_file_is_left_as_it_was(put, here):
    before = load_yaml(here / "below.yaml")
    with_settings(before, ["data.0.label=d", "labels.0=z"])
    assert before == load_yaml(here / "below.yaml")


def test_a_setting_lies_over_what_is_included(load):
    located = with_settings(load("include: below.yaml\n"), ["data.0.label=d"])
    assert located.data["data"] == [{"path": "x.csv", "label": "d"}]
    assert located.where(("data", 0, "label")) == "--set data[0].label"
    assert located.where(("data", 0, "path")).endswith("below.yaml:4: data[0].path")


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("version", "--set: this cannot be set\n  found:    'version'"),
        ("=x", "--set: this cannot be set"),
        ("a..b=x", "--set: this cannot be set"),
        ("include=other", "--set: this cannot be set"),
        (".".join("a" * 1_000) + "=x", "--set: this cannot be set"),
        ("data.x.label=d", "--set data.x.label: data is a list"),
        ("data.x.label=d", "expected: a place from 0 to 0, or 1 to add one"),
        ("data.-1.label=d", "data is a list"),
        ("data.²=d", "data is a list"),
        ("labels.9=d", "labels is a list"),
        ("labels.0.name=d", "there is nothing below labels[0]: it is a text"),
        ("labels.0.name=d", "expected: labels.0={...}, which replaces it"),
        ("labels.0=", "a list item cannot be taken away"),
        ("labels=[a", "--set labels: not valid YAML"),
        ("labels=[&a x, *a]", "--set labels: anchors and aliases are refused"),
        ("labels=[!!int 3]", "--set labels: tags are refused"),
        ("labels=[a]\nversion: 3", "--set labels: not one value"),
        ("labels=[" * 30, "--set labels: not valid YAML"),
        ("labels=" + "[" * 30 + "]" * 30, "--set labels: nested deeper than 20"),
    ],
)
def test_settings_that_are_refused(put, setting, expected):
    with pytest.raises(UserError) as caught:
        put(setting)
    assert expected in str(caught.value)


@given(st.lists(st.text("data.labels0123=[]{},:'\"&*! \n-x", max_size=20), max_size=3))
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_setting_is_put_in_or_refused_with_the_flag(put, settings):
    located = error = None
    try:
        located = put(*settings)
    except UserError as problem:
        error = problem
    assert located or str(error.where).startswith("--set")

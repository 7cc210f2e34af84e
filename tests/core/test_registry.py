from types import SimpleNamespace

import pytest

from harness.core import registry
from harness.core.errors import HarnessError, UserError
from harness.core.registry import Entry, Registry

OWN = [
    Entry("decoder", "json:JSONDecoder", "reads"),
    Entry("gone", "no_such_module_at_all:Thing", "its module does not exist"),
]


@pytest.fixture
def points(monkeypatch):
    """The entry points that other packages have installed, by group."""
    groups = {}

    def entry_points(*, group):
        return [
            SimpleNamespace(value=f"other:{entry.name}", load=lambda entry=entry: entry)
            for entry in groups.get(group, [])
        ]

    monkeypatch.setattr(registry, "entry_points", entry_points)
    return groups


def make():
    return Registry("thing", list(OWN), group="harness.things")


def test_names_are_known_without_importing_anything(points):
    things = make()
    assert [entry.name for entry in things] == ["decoder", "gone"]
    assert "gone" in things
    assert "other" not in things


def test_an_entry_imports_its_class_on_use(points):
    from json import JSONDecoder

    assert make().get("decoder").load() is JSONDecoder
    with pytest.raises(ModuleNotFoundError):
        make().get("gone").load()


def test_an_unknown_name_is_a_users_mistake(points):
    with pytest.raises(UserError) as caught:
        make().get("decodr", where="f.yaml:2")
    assert caught.value.where == "f.yaml:2"
    assert "there is no thing named 'decodr'" in str(caught.value)
    assert "decoder, gone" in str(caught.value)
    assert "did you mean 'decoder'?" in str(caught.value)


def test_other_packages_add_lines_behind_our_own(points):
    points["harness.things"] = [Entry("encoder", "json:JSONEncoder", "writes")]
    points["harness.others"] = [Entry("loads", "json:loads", "of another folder")]
    assert [entry.name for entry in make()] == ["decoder", "gone", "encoder"]


def test_other_packages_replace_nothing(points):
    points["harness.things"] = [Entry("decoder", "json:JSONEncoder", "an impostor")]
    with pytest.raises(HarnessError, match=r"other:decoder.*would replace the thing 'decoder'"):
        make().get("decoder")

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, field_validator

from harness.core.errors import UserError
from harness.core.schema import FieldProblem, YamlModel, validate
from harness.core.yaml import load_yaml


class Part(YamlModel):
    name: str
    weight: float = 1.0


class Whole(YamlModel):
    count: int
    wanted: bool = False
    note: str | None = None
    mode: Literal["fast", "slow"] = "fast"
    parts: Annotated[tuple[Part, ...], Field(min_length=1)] = (Part(name="x"),)
    by_name: dict[str, Part] = Field(default={})

    @field_validator("parts")
    @classmethod
    def _no_twins(cls, parts):
        for index, part in enumerate(parts):
            if part.name == "twin":
                raise FieldProblem("no twins", field=(index, "name"), found="twin", expected="one")
        return parts


@pytest.fixture
def check(tmp_path):
    def validated(text, model=Whole):
        path = tmp_path / "whole.yaml"
        path.write_text(text)
        return validate(model, load_yaml(path))

    return validated


def message_of(check, text, **more):
    with pytest.raises(UserError) as caught:
        check(text, **more)
    return str(caught.value)


def test_text_becomes_what_the_schema_wants(check):
    whole = check("count: 3\nwanted: 'true'\nnote: 007\nparts: [{name: 1.0, weight: 2}]\n")
    assert (whole.count, whole.wanted, whole.note) == (3, True, "007")
    assert whole.parts == (Part(name="1.0", weight=2.0),)


def test_an_empty_optional_key_takes_its_default(check):
    assert check("count: 3\nmode:\nwanted:\n").mode == "fast"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("wanted: true\n", "whole.yaml:1: count: this key is missing"),
        ("wanted: true\ncount:\n", "whole.yaml:2: count: this key has no value"),
        ("count: 1\nwantd: true\n", "whole.yaml:2: wantd: unknown key"),
        ("count: 1\nwantd: true\n", "did you mean 'wanted'?"),
        ("count: 1\nwantd:\n", "whole.yaml:2: wantd: unknown key"),
        ("count: 1\nparts:\n  - nme: x\n", "did you mean 'name'?"),
        ("count: 1\nparts:\n  - {name: x, wight: }\n", "parts[0].wight: unknown key"),
        ("count: 1\nby_name: {a: {name: x, wieght: 2}}\n", "did you mean 'weight'?"),
        ("count: three\n", "found:    'three'\n  expected: a valid integer"),
        ("count: 1\nmode: fsat\n", "did you mean 'fast'?"),
        ("count: 1\nparts: []\n", "whole.yaml:2: parts: "),
        ("count: 1\nparts: x\n", "expected: a valid tuple"),
        (
            "count: 1\nparts:\n  - {name: a}\n  - {name: twin}\n",
            "whole.yaml:4: parts[1].name: no twins",
        ),
    ],
)
def test_a_problem_says_where_what_and_how(check, text, expected):
    assert expected in message_of(check, text)


def test_free_keys_may_be_empty(check):
    assert check("count: 1\nby_name: {a: }\n").by_name == {}


def test_every_problem_is_listed(check):
    message = message_of(check, "count: x\nwantd: 1\nmode: fsat\nparts: [{nam: a}]\nnoot:\n")
    assert "6 problems" in message
    for place in (
        ":1: count",
        ":2: wantd",
        ":3: mode",
        ":4: parts[0].name",
        ":4: parts[0].nam",
        ":5: noot",
    ):
        assert place in message


def test_unknown_keys_are_refused_by_any_model(check):
    class Loose(BaseModel):
        a: str

    assert "b: unknown key" in message_of(check, "a: 1\nb: 2\n", model=Loose)

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import UserError
from harness.prompts.sandbox import FILTERS, MAX_CHARACTERS, SafeTemplate

WHERE = "prompts/mine.yaml:3: input"


def render(source, **variables):
    return SafeTemplate(source, where=WHERE).render(variables)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Text: {{ text }}", "Text: a <b> & {{ c }}"),
        ("{{ text | upper | trim }}!", "A <B> & {{ C }}!"),
        ('{{ labels | join(", ") }}', "x, y"),
        ("{{ labels | join }}", "xy"),
        ("{{ labels | length }}", "2"),
        ("{{ text | truncate(6) }}", "a..."),
        ("{% if title %}{{ title }}: {% endif %}{{ text }}", "a <b> & {{ c }}"),
        ("{% if not title and number == 3 %}three{% else %}other{% endif %}", "three"),
        ("{{ 'none' if missing_value == '' else 'some' }}", "none"),
        ("[{{ missing_value }}]", "[]"),
        ("{{ missing_value | upper }}", ""),
        ("{# a note #}{{ number }}\n", "3\n"),
        ("{% raw %}{{ text }}{% endraw %}", "{{ text }}"),
        ("été 丢失 🙂", "été 丢失 🙂"),
    ],
)
def test_rendering(source, text):
    variables = {"text": "a <b> & {{ c }}", "labels": ["x", "y"], "title": "", "number": 3}
    assert render(source, **variables, missing_value=None) == text


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("{% for x in labels %}{{ x }}{% endfor %}", "For"),
        ("{{ range(10) }}", "Call"),
        ("{{ text.upper() }}", "Call"),
        ("{{ text.__class__ }}", "Getattr"),
        ("{{ labels[0] }}", "Getitem"),
        ("{{ 2 ** 99 }}", "Pow"),
        ("{{ 'a' * 999 }}", "Mul"),
        ("{{ text ~ text }}", "Concat"),
        ("{{ -number }}", "Neg"),
        ("{% set x = 1 %}", "Assign"),
        ("{% macro m() %}{% endmacro %}", "Macro"),
        ("{% include 'other' %}", "Include"),
        ("{% extends 'other' %}", "Extends"),
        ("{% import 'other' as x %}", "Import"),
        ("{% block b %}{% endblock %}", "Block"),
        ("{% filter upper %}x{% endfilter %}", "FilterBlock"),
        ("{% with x = 1 %}{% endwith %}", "With"),
        ("{{ [1, 2] }}", "List"),
        ("{{ {'a': 1} }}", "Dict"),
        ("{{ text is defined }}", "Test"),
        ("{{ text | safe }}", "the filter 'safe'"),
        ("{{ labels | map('upper') }}", "the filter 'map'"),
        ("{{ text | center(9) }}", "the filter 'center'"),
        ("{{ text | nonsense }}", "the filter 'nonsense'"),
        ("{{ text | truncate(number) }}", "plain constants"),
        ("{{ text | truncate(length=9) }}", "plain constants"),
        ("{{ labels | join(*labels) }}", "plain constants"),
        ("{{ labels | join(', ', '__class__') }}", "join of anything but"),
        ("{{ labels | join('xxxxxxxx') | join('xxxxxxxx') }}", "join of anything but"),
        ("{{ 'ab' | join('xxxxxxxx') }}", "join of anything but"),
    ],
)
def test_refused(source, found):
    with pytest.raises(UserError) as caught:
        SafeTemplate(source, where=WHERE)
    message = str(caught.value)
    assert message.startswith(WHERE)
    assert found in message
    assert "template line 1" in message
    assert all(name in message for name in FILTERS)


@pytest.mark.parametrize("source", ["{{ text", "{% if x %}", "{{ }}", "{% nonsense %}", "{# note"])
def test_not_a_template(source):
    with pytest.raises(UserError, match=r"prompts/mine.yaml:3: input: the template does not parse"):
        SafeTemplate(source, where=WHERE)


@pytest.mark.parametrize(
    "source",
    [
        "{{ " + "(" * 5000 + "x" + ")" * 5000 + " }}",
        "{{ " + "not " * 4000 + "x }}",
        "{{ " + " and ".join("x" * 2500) + " }}",
        "{% if x %}" * 900 + "{% endif %}" * 900,
        "{{ x" + " | trim" * 2500 + " }}",
        "{{ " + "9" * 9000 + " }}",
    ],
    ids=["brackets", "nots", "ands", "ifs", "filters", "digits"],
)
def test_deep_nesting_is_refused_or_rendered(source):
    try:
        template = SafeTemplate(source, where=WHERE)
    except UserError as error:
        assert "nested too deep" in str(error)  # noqa: PT017 - either is right
    else:
        template.render({"x": "a"})


def test_a_huge_template_is_refused():
    SafeTemplate("x" * MAX_CHARACTERS, where=WHERE)
    with pytest.raises(UserError, match="too long") as caught:
        SafeTemplate("x" * (MAX_CHARACTERS + 1), where=WHERE)
    assert len(str(caught.value)) < 500


def test_a_variable_that_is_not_there():
    with pytest.raises(UserError, match="'tetx' is undefined") as caught:
        render("{{ tetx }}", text="a", label="b")
    assert "only these variables: label, text" in str(caught.value)
    with pytest.raises(UserError, match="undefined"):
        render("{% if tetx %}a{% endif %}", text="a")


def test_its_variables():
    template = SafeTemplate("{% if a %}{{ b | upper }}{% endif %}{{ 'c' }} {{ self }}", where=WHERE)
    assert template.variables == {"a", "b", "self"}


PIECES = ["{{", "}}", "{%", "%}", "{#", "#}", " ", "text", "label", "|", "upper", "join", "(", ")",
          "'", '"', "if", "endif", "else", "for x in text", "not", "and", "==", "1", ".", "[", "]",
          "-", "+", "é", "\n", "raw", "endraw", "self", "set x ="]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join) | st.text(max_size=40))
def test_any_source_is_rendered_or_refused(source):
    try:
        template = SafeTemplate(source, where=WHERE)
        text = template.render({"text": "t", "label": "l"})
    except UserError as error:
        assert str(error).startswith(WHERE)  # noqa: PT017 - either is right
    else:
        assert isinstance(text, str)

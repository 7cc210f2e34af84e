import pytest

from harness.core.errors import (
    DataError,
    HarnessError,
    ModelError,
    UserError,
    nearest,
    shorten,
    unknown_name,
)


def test_a_message_says_where_what_was_found_what_was_expected_and_what_to_do():
    error = UserError("wrong", where="f.yaml:3: a.b", found="x", expected="y", hint="write y")
    assert str(error).splitlines() == [
        "f.yaml:3: a.b: wrong",
        "  found:    'x'",
        "  expected: y",
        "  hint:     write y",
    ]


def test_what_is_not_known_takes_no_line():
    assert str(UserError("wrong")) == "wrong"
    assert str(UserError("wrong", found=0)) == "wrong\n  found:    0"
    assert "found:    ''" in str(UserError("wrong", found=""))


def test_what_was_found_is_cut():
    assert len(str(UserError("wrong", found="x" * 10_000))) < 300


def test_the_tree_of_errors():
    assert issubclass(DataError, UserError)
    assert issubclass(UserError, HarnessError)
    assert issubclass(ModelError, HarnessError)
    assert not issubclass(ModelError, UserError)


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("prototpyes", ["prototypes", "tfidf"], "prototypes"),
        ("TFIDF", ["prototypes", "tfidf"], "tfidf"),
        ("acuracy", ["Accuracy", "f1"], "Accuracy"),
        ("something else", ["prototypes", "tfidf"], None),
        ("x", [], None),
    ],
)
def test_nearest(name, known, expected):
    assert nearest(name, known) == expected


def test_an_unknown_name_lists_what_exists():
    error = unknown_name("method", "tfid", ["tfidf", "majority"], where="--method")
    assert error.where == "--method"
    assert "there is no method named 'tfid'" in str(error)
    assert "one of majority, tfidf" in str(error)
    assert "did you mean 'tfidf'?" in str(error)


def test_an_unknown_name_among_none():
    error = unknown_name("task", "x", [])
    assert (error.expected, error.hint) == (None, None)


def test_shorten():
    assert shorten("abc", 3) == "abc"
    assert shorten("abcd", 3) == "ab…"

import pytest

from harness.core.errors import UserError
from harness.core.yaml import MAX_BYTES, load_yaml


@pytest.fixture
def load(tmp_path):
    def write_and_load(content):
        path = tmp_path / "some.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return load_yaml(path)

    return write_and_load


def test_every_scalar_is_text(load):
    written = [
        "yes",
        "no",
        "007",
        "None",
        "null",
        "~",
        "1.0",
        "1_000",
        "0x1F",
        "12:30",
        "2020-01-01",
    ]
    data = load("a:\n" + "".join(f"  - {text}\n" for text in written)).data
    assert data == {"a": written}


def test_quotes_and_blocks(load):
    data = load("a: ''\nb: \"x\\n\"\nc: |\n  one\n  two\nd: >-\n  one\n  two\n").data
    assert data == {"a": "", "b": "x\n", "c": "one\ntwo\n", "d": "one two"}


def test_a_key_without_value_is_missing_and_still_has_a_line(load):
    located = load("a: 1\nb:\nc:\n  d:\n")
    assert located.data == {"a": "1", "c": {}}
    assert located.empty == {("b",), ("c", "d")}
    assert located.line(("b",)) == 2


def test_lines_of_fields(load):
    located = load("# top\nlabels:\n  - {name: a}\n  - name: b\n    verbalizer: c\nx: [1,\n  2]\n")
    assert located.line(("labels", 1, "verbalizer")) == 5
    assert located.line(("labels", 0)) == 3
    assert located.line(("x", 1)) == 7
    assert located.line(("x", 1, "beyond")) == 7
    assert located.where(("labels", 1, "name")).endswith("some.yaml:4: labels[1].name")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: 1\nb: &x 2\n", ":2: b: anchors and aliases are refused"),
        ("a: 1\nb: &x [2]\n", ":2: b: anchors and aliases are refused"),
        ("b: *x\n", ":1: b: anchors and aliases are refused"),
        ("a: 1\nb: !!int 2\n", ":2: b: tags are refused"),
        ("a: !!python/object/apply:os.system ['x']\n", ":1: a: tags are refused"),
        ("a: ! x\n", ":1: a: tags are refused"),
        ("&k a: 1\n", ":1: a key must be plain text"),
        ("a: 1\nb: 2\na: 3\n", ":3: a: this key is there twice"),
        ("a: {b: 1, b: 2}\n", ":1: a.b: this key is there twice"),
        ("? [x]\n: 1\n", ":1: a key must be plain text"),
        ('"": 1\n', ":1: a key must be plain text"),
        ("a:\n  - 1\n  -\n", ":3: a[1]: this list item is empty"),
        ("a: 1\n---\nb: 2\n", ":2: a second document begins here"),
        ("- a\n", ":1: not keys and values"),
        ("# nothing\n", ":1: this file is empty"),
        ("", ":1: this file is empty"),
        ("a: 1\nb: [1, 2\n", "not valid YAML"),
        ("a: 1\n\tb: 2\n", ":2: not valid YAML"),
        ("a: 1\nb: \x00\n", ":2: this character is not allowed"),
        (b"a: 1\nb: \xff\n", ":2: not UTF-8"),
        ("a: " + "[" * 30 + "]" * 30, "nested deeper than 20"),
        ("a: " + "[" * 100_000, "nested deeper than 20"),
        (b"a: " + b"x" * MAX_BYTES, "too large"),
    ],
)
def test_what_is_refused_says_where(load, content, message):
    with pytest.raises(UserError) as caught:
        load(content)
    assert message in str(caught.value)
    assert "some.yaml" in str(caught.value)


def test_the_first_of_two_keys_is_named(load):
    with pytest.raises(UserError, match="the first is in line 1"):
        load("a: 1\nb: 2\na: 3\n")


def test_a_byte_order_mark_is_skipped(load):
    assert load(b"\xef\xbb\xbfa: 1\n").data == {"a": "1"}


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(UserError, match="No such file"):
        load_yaml(tmp_path / "absent.yaml")
    with pytest.raises(UserError, match="directory"):
        load_yaml(tmp_path)

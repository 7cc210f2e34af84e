"""Damaged and hostile YAMLs: each is accepted, or refused with a place, quickly and in peace.

Every case is made from a number, so that one that fails can be made again: ``mutant(NUMBER)``.
"""

import contextlib
import json
import random
import re
import signal
import sys
import time

import pytest

from harness.core.errors import UserError
from harness.core.lookup import shipped
from harness.prompts.template import Shot, load_prompt
from harness.tasks.definition import read_definition

FEW, MANY = 1_000, 10_000
SECONDS = 2.0
LONGEST = 2_000_000  # characters of a rendered prompt; the values below make some 2,000

SOURCE = {"files": {"train": "a.csv", "test": "b.csv"}, "fields": {"text": "text"}}
SHARED = {"version": 1, "description": "d", "prompt": "intent_v1", "licence": "CC0-1.0"}
OF_EVERY_KIND = {
    "single_label": {"label": "c", "label_map": {"0": "x"}},
    "text_pair": {"fields": {"one": "a", "two": "b"}, "label": "c"},
    "multiple_choice": {"choices": ["a", "b"], "answer": "c", "answer_is": "letter"},
    "multi_label": {"labels": "c", "separator": ";"},
    "ordinal": {"label": "c", "group": "customer"},
    "extraction": {"answers": "c", "time": "sent"},
    "generation": {"answer": "c", "types": {"text": "text"}},
}
MORE = {
    "ordinal": {"labels": ["1", "2", "3"], "splits": {"test": 0.25, "seed": 1}},
    "extraction": {"slots": {"when": "When?"}, "no_answer": "none", "stop": ["\n"]},
    "generation": {"pattern": "answer is (.*)", "max_tokens": 20},
}
INJECTIONS = (
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ cycler.__init__.__globals__.os.system('touch canary') }}",
    "{{ lipsum.__globals__['os'].popen('touch canary').read() }}",
    "{% for x in range(999999999) %}a{% endfor %}",
    "{% set x = 'a' * 99999999 %}{{ x }}",
    "{{ 'a' * 9999999999 }}",
    "{{ 9 ** 9 ** 9 ** 9 }}",
    "{{ '%099999999d' | format(1) }}",
    "{{ '%0999999999d' % 1 }}",
    "{{ text | join(text) | join(text) }}",
    "{{ text | truncate(99999999999999999999) }}",
    "{{ text | center(999999999) }}",
    "{{ text | replace('', text) }}",
    "{{ text ~ text ~ text }}",
    "{{ text | attr('__class__') }}",
    "{% include '/etc/hostname' %}",
    "{% import 'os' as os %}{{ os.system('touch canary') }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{{ self._TemplateReference__context }}",
    "{{ text.__init__.__globals__ }}",
    "{{ [1, 2, 3] | map('upper') | list }}",
    "{{ " + "(" * 300 + "text" + ")" * 300 + " }}",
    "{{ " + "not " * 5_000 + "text }}",
    "{% if text %}" * 60 + "{% endif %}" * 60,
    "{{ text", "{% if %}", "{{ }}", "{#",
)  # fmt: skip
VALUES = (
    "", "~", "null", "[]", "{}", "[1, [2, [3]]]", "{a: {b: c}}", "-1", "0", "1e400", ".nan",
    "9" * 400, "9" * 5_000, "!!python/object/apply:os.system ['touch canary']", "!!binary aGk=",
    "&a x", "*a", "|", ">", "'", '"', "@", "%TAG", "? x", "- - - x", "../../etc/passwd",
    "x" * 50_000, "[" * 500, "{a: " * 500, "\u202e\u2028\ufeff", "\x00", "include", "yes",
    "2026-01-01", "/etc/passwd",
    "(a{1,999}){1,999}", "(a+)+$", "[" + "a, " * 5_000 + "a]",
)  # fmt: skip
KEY = re.compile(r"^( *(?:- )?)([a-z_0-9]+):(.*)$")


def originals():
    """The YAMLs that come with the harness, and one of every kind: folder, name, content."""
    found = [(folder, path.stem if path.stem != "task" else path.parent.name, path.read_bytes())
             for folder in ("tasks", "prompts") for pattern in ("*.yaml", "*/task.yaml")
             for path in sorted(shipped(folder).glob(pattern))]  # fmt: skip
    for kind, source in OF_EVERY_KIND.items():
        content = SHARED | {"kind": kind, "data": [SOURCE | source]} | MORE.get(kind, {})
        lines = "\n".join(f"{key}: {json.dumps(value)}" for key, value in content.items())
        found.append(("tasks", kind, lines.encode()))
    return found


ORIGINALS = originals()


def mutant(number):
    """Makes a case: folder, name, content."""
    chance = random.Random(number)
    folder, name, content = chance.choice(ORIGINALS)
    for _ in range(chance.choice((1, 1, 2, 3))):
        content = chance.choice(MUTATIONS)(content, chance)
    return folder, name, content


def flip_bytes(content, chance):
    changed = bytearray(content)
    for _ in range(chance.randint(1, 6)):
        if changed:
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def cut(content, chance):
    return content[: chance.randrange(len(content) + 1)]


def splice(content, chance):
    _, _, other = chance.choice(ORIGINALS)
    return cut(content, chance) + other[chance.randrange(len(other)) :]


def by_line(change):
    """Makes a mutation of bytes out of one that changes a list of lines at a place."""

    def mutate(content, chance):
        lines = content.decode("utf-8", "surrogateescape").split("\n")
        change(lines, chance.randrange(len(lines)), chance)
        return "\n".join(lines).encode("utf-8", "surrogateescape")

    return mutate


def drop_line(lines, place, chance):
    del lines[place : place + chance.randint(1, 3)]


def double_line(lines, place, chance):
    lines[place:place] = lines[place : place + chance.randint(1, 3)]


def swap_lines(lines, place, chance):
    other = chance.randrange(len(lines))
    lines[place], lines[other] = lines[other], lines[place]


def misspell(lines, place, chance):
    if match := KEY.match(lines[place]):
        key = list(match[2])
        key[chance.randrange(len(key))] = chance.choice("abcxyz_- :\U0001f600é")
        lines[place] = f"{match[1]}{''.join(key)}:{match[3]}"


def another_value(lines, place, chance):
    if match := KEY.match(lines[place]):
        lines[place] = f"{match[1]}{match[2]}: {chance.choice(VALUES)}"


def inject(lines, place, chance):
    text = chance.choice(INJECTIONS)
    if match := KEY.match(lines[place]):
        lines[place] = f"{match[1]}{match[2]}: {json.dumps(text)}"
    else:
        lines[place] += text


def indent(lines, place, chance):
    lines[place] = " " * chance.randint(1, 5) + lines[place]


def nest(lines, place, chance):
    depth = chance.choice((5, 25, 2_000))
    lines[place] += chance.choice(("\n" + "- " * depth, " " + "[" * depth, " " + "{a: " * depth))


def include(lines, place, chance):
    lines.insert(
        place, f"include: {chance.choice(('banking77', 'itself.yaml', '..', '[a]', 'x/y'))}"
    )


MUTATIONS = (flip_bytes, cut, splice, *map(by_line, (
    drop_line, double_line, swap_lines, misspell, another_value, inject, indent, nest, include,
)))  # fmt: skip


class Watch:
    """Notes what Python does that reading a file never should: it writes, runs, connects."""

    FORBIDDEN = (
        "os.system", "os.exec", "os.fork", "os.posix_spawn", "subprocess.Popen", "socket.connect",
        "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "os.truncate",
        "os.chmod", "shutil.rmtree", "ctypes.dlopen", "pty.spawn",
    )  # fmt: skip

    def __init__(self):
        self.on = False
        self.seen = []
        sys.addaudithook(self)  # one for the whole session: it cannot be taken away

    def __call__(self, event, arguments):
        if self.on and (event in self.FORBIDDEN or (event == "open" and self.writes(*arguments))):
            self.seen.append((event, str(arguments)[:200]))

    @staticmethod
    def writes(path, mode, _flags=0):
        name = str(path)
        return bool(set(str(mode or "r")) & set("wax+")) and not name.endswith(
            (".pyc", "/dev/null")
        )

    @contextlib.contextmanager
    def watching(self):
        self.on, self.seen = True, []
        try:
            yield
        finally:
            self.on = False


@pytest.fixture(scope="session")
def watch():
    return Watch()


@pytest.fixture
def read(tmp_path, monkeypatch, watch):
    """Reads a YAML as a task or a prompt; gives the error, or None. Slow or loud fails."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))

    def alarm(_signal, _frame):
        raise TimeoutError("this case hangs")

    before = signal.signal(signal.SIGALRM, alarm)

    def read(folder, name, content):
        path = tmp_path / f"{name}.yaml"
        path.write_bytes(content)
        started = time.perf_counter()
        signal.setitimer(signal.ITIMER_REAL, 10 * SECONDS)
        try:
            with watch.watching():
                error = outcome(folder, path)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        assert time.perf_counter() - started < SECONDS
        assert not watch.seen
        assert [left.name for left in tmp_path.iterdir()] == [path.name]
        path.unlink()
        return error

    yield read
    signal.signal(signal.SIGALRM, before)


def outcome(folder, path):
    try:
        if folder == "tasks":
            read_definition(path).rules.variables()
        else:
            render(load_prompt(str(path)))
    except UserError as error:
        return error
    return None


def render(template):
    """Fills an accepted prompt in."""
    variables = dict.fromkeys(template.variables, "some text " * 10) | {"choices": ["a", "b"]}
    text = template.head([]) + template.tail(Shot(variables))
    assert len(text) < LONGEST


@pytest.mark.parametrize(
    "numbers",
    [
        pytest.param(range(FEW), id="few"),
        pytest.param(range(FEW, FEW + MANY), id="many", marks=pytest.mark.slow),
    ],
)
def test_a_mutated_yaml_is_accepted_or_refused_with_a_place(read, numbers):
    refused = 0
    for number in numbers:
        folder, name, content = mutant(number)
        try:
            error = read(folder, name, content)
        except BaseException as problem:
            raise AssertionError(f"mutant({number}) of {name}: {content[-400:]!r}") from problem
        if error is not None:
            refused += 1
            # What is included may be what does not fit.
            places = (f"{name}.yaml", "banking77.yaml:")
            assert any(place in str(error.where) for place in places), f"mutant({number}): {error}"
            assert error.problem
    # Both happen often, or nothing was tried.
    assert 0.3 < refused / len(numbers) < 0.97


def test_what_is_mutated_is_accepted_as_it_is(read):
    for folder, name, content in ORIGINALS:
        assert read(folder, name, content) is None
    kinds = {re.search(rb"^kind: \"?(\w+)", content, re.M)[1] for _, _, content in ORIGINALS
             if content.find(b"kind:") >= 0}  # fmt: skip
    assert kinds == {kind.encode() for kind in OF_EVERY_KIND}


def test_the_watch_sees_what_it_should(tmp_path, watch):
    import os
    import subprocess

    with watch.watching():
        (tmp_path / "x").write_text("x")
        (tmp_path / "x").read_text()
        subprocess.run(["true"], check=True)
        os.system("true")
        (tmp_path / "y").mkdir()
        (tmp_path / "x").unlink()
    seen = [event for event, _ in watch.seen]
    assert seen[0] == "open"
    assert {"subprocess.Popen", "os.system", "os.mkdir", "os.remove"} <= set(seen)


PROMPT = 'description: d\nkinds: [single_label]\ninput: {}\nanswer: "Intent: {{{{ label }}}}"\n'


@pytest.mark.parametrize("field", ["input", "system", "instruction", "label_list", "answer"])
@pytest.mark.parametrize("number", range(len(INJECTIONS)))
def test_an_injection_is_refused_or_harmless(read, field, number):
    values = {"description": "d", "kinds": ["single_label"], "input": "x",
              "answer": "Intent: {{ label }}"}  # fmt: skip
    text = INJECTIONS[number] + (" {{ label }}" if field == "answer" else "")
    content = json.dumps(values | {field: text})
    error = read("prompts", "hostile", content.encode())
    assert error is None or f"hostile.yaml:1: {field}" in str(error)


LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{name}: &{name} [*{before}, *{before}]\n"
    for before, name in zip("abcdefghij", "bcdefghijk", strict=True)
)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (LAUGHS, "anchors and aliases are refused"),
        ("version: 1\nkind: &k single_label\n", "anchors and aliases are refused"),
        ("data: " + "[" * 400_000, "nested deeper"),
        ("data: " + "{a: " * 100_000, "nested deeper"),
        ("\n".join(" " * depth + "a:" for depth in range(1_000)), "nested deeper"),
        ("- " * 400_000, "not keys and values"),
        ("a: [" + "x," * 400_000 + "x]", "a task needs a kind"),
        ("".join(f"k{number}: x\n" for number in range(90_000)), "a task needs a kind"),
        (
            "version: 1\nkind: single_label\n" + "".join(f"k{n}: x\n" for n in range(5_000)),
            "unknown",
        ),
        ("version: " + "9" * 900_000, "a task needs a kind"),
        ("version: 1\n? " + "x" * 900_000 + "\n: y\n", "a task needs a kind"),
    ],
    ids=range(11),
)
def test_a_bomb_is_refused(read, content, expected):
    assert expected in str(read("tasks", "bomb", content.encode()))


@pytest.mark.parametrize("folder", ["tasks", "prompts"])
def test_a_file_of_100_megabytes_is_refused(read, folder):
    error = read(folder, "large", b"description: " + b"x" * 100_000_000)
    assert "this YAML file is too large" in str(error)


def test_a_template_as_long_as_a_yaml_may_be_is_refused(read):
    text = json.dumps("{{ text }}" * 90_000)
    error = read("prompts", "long", PROMPT.format(text).encode())
    assert "the template is too long" in str(error)


def test_a_template_of_100_megabytes_is_refused():
    from harness.prompts.sandbox import SafeTemplate

    text = "{{ text }}" * 10_000_000
    started = time.perf_counter()
    with pytest.raises(UserError, match="the template is too long"):
        SafeTemplate(text, where="here")
    assert time.perf_counter() - started < SECONDS

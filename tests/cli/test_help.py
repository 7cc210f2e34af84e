"""Help answers at once: no heavy library is imported for it, and no command without being asked."""

import subprocess
import sys

import click
import pytest

from harness.cli.main import COMMANDS, main

HEAVY = {
    "torch", "transformers", "sentence_transformers", "sklearn", "datasets", "pandas", "scipy",
    "pyarrow", "huggingface_hub", "numpy", "pydantic", "tqdm", "jinja2", "yaml",
}  # fmt: skip
ASK = """
import sys
from harness.cli.main import main
before = set(sys.modules)
for arguments in sys.argv[1].split(";"):
    try:
        main(arguments.split(), prog_name="harness")
    except SystemExit as end:
        assert not end.code
print("loaded:", *sys.modules)
"""


def commands(group=main, path=()):
    """Every command below a group, with the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


ALL = dict(commands())


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_a_command_says_what_it_does_and_how_it_is_called(path, printed):
    shown = printed(*path, "--help")
    assert shown.startswith(f"Usage: harness {' '.join(path)}")
    assert printed(*path, "-h") == shown
    command = ALL[path]
    assert len(command.help.split()) > 3
    for parameter in command.params:
        assert isinstance(parameter, click.Argument) or parameter.help, parameter
    needs_something = any(isinstance(parameter, click.Argument) for parameter in command.params)
    if needs_something and path != ("prompts", "show"):
        assert "Example" in shown
        assert f"harness {' '.join(path)} " in shown.partition("Example")[2]


def test_the_first_help_names_every_command(printed):
    shown = printed("--help")
    for name, line in COMMANDS.items():
        assert name in shown
        assert " ".join(line.split()) in " ".join(shown.split())
    assert "Begin with:  harness run --task" in shown


def test_every_command_is_there():
    assert {path[0] for path in ALL} == set(COMMANDS)
    assert list(main.list_commands(click.Context(main))) == list(COMMANDS)


def test_the_version(printed):
    from harness import __version__

    assert printed("--version") == f"harness, version {__version__}\n"


def loaded(asked, environment):
    result = subprocess.run(
        [sys.executable, "-c", ASK, asked], env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    return set(result.stdout.rpartition("loaded: ")[2].split())


def test_the_first_help_imports_next_to_nothing(environment):
    modules = loaded("--help", environment)
    assert not HEAVY & modules
    ours = {name for name in modules if name.partition(".")[0] == "harness"}
    assert ours == {"harness", "harness.cli", "harness.cli.main", "harness.core",
                    "harness.core.errors"}  # fmt: skip
    assert len(modules) < 250


def test_the_help_of_commands_imports_no_heavy_library(environment):
    modules = loaded(";".join(" ".join((*path, "--help")) for path in ALL), environment)
    assert not HEAVY & modules


def test_lists_import_no_model_library(environment):
    asked = "tasks list;prompts list;methods list;models list;methods show fine_tune"
    modules = loaded(asked, environment)
    assert not (HEAVY - {"numpy", "pydantic", "tqdm", "jinja2", "yaml"}) & modules

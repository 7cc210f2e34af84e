"""Writes docs/cli.md from the commands' own help: ``python docs/make_cli_reference.py``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from harness.cli.main import main

TARGET = Path(__file__).with_name("cli.md")
WIDTH = 100
HEAD = """# Command line

What every command prints with `--help`; made by `python docs/make_cli_reference.py`.
"""


def reference() -> str:
    """Returns the page."""
    return HEAD + "".join(_sections(main, "harness", None))


def _sections(command: click.Command, name: str, parent: click.Context | None) -> Iterator[str]:
    context = click.Context(
        command, parent=parent, info_name=name, terminal_width=WIDTH, **command.context_settings
    )
    yield f"\n## {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if found is not None:
                yield from _sections(found, child, context)


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")

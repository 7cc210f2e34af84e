"""``harness methods``."""

from __future__ import annotations

import inspect

import click


@click.group()
def command() -> None:
    """List and show the ways of transfer."""


@command.command(name="list")
def list_() -> None:
    """List the methods: name, way of transfer, what it needs, and one line each."""
    from harness.methods import METHODS

    for entry in METHODS:
        needs = entry.models[0] if entry.models else "no model"
        click.echo(f"{entry.name:20}  {entry.way:18}  {needs:9}  {entry.summary}")


@command.command(epilog="Example:  harness methods show linear_probe")
@click.argument("method")
def show(method: str) -> None:
    """Show a method: what it does, what it needs, and its settings with their defaults."""
    from harness.methods import METHODS
    from harness.methods.spec import describe_settings

    entry = METHODS.get(method)
    click.echo(f"{entry.name}: {entry.summary}")
    click.echo(f"\n{inspect.getdoc(entry.load())}\n")
    click.echo(f"way of transfer: {entry.way}")
    click.echo(f"task kinds:      {', '.join(entry.kinds)}")
    click.echo(f"models:          {', '.join(entry.models) or 'none'}")
    click.echo(f"depends on:      {', '.join(entry.uses) or 'the test rows alone'}")
    settings = describe_settings(entry)
    if settings:
        click.echo(f"\nsettings, written {entry.name}:key=value,...")
        for name, default, description in settings:
            click.echo(f"  {name}={default}  {description}")

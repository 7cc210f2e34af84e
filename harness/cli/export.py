"""``harness export``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from harness.core.errors import UserError


@click.command(
    epilog="Example:  harness export results/customer_emails --format markdown --output table.md"
)
@click.argument("run_dirs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--rows",
    type=click.Choice(["table", "cells", "predictions"]),
    default="table",
    help="What a row is: a method, a cell and metric, or a prediction. Default: table.",
)
@click.option(
    "--format",
    "format_",
    default="csv",
    metavar="FORMAT",
    help="csv, markdown, latex or parquet. Default: csv.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="A file. Default: standard output.",
)
def command(run_dirs: tuple[Path, ...], rows: str, format_: str, output: Path | None) -> None:
    """Write the tables of one or several runs."""
    from harness.reports.export import export
    from harness.reports.formats import FORMATS

    if output is None and FORMATS.get(format_, where="--format").binary and sys.stdout.isatty():
        raise UserError(
            f"{format_} cannot be shown in a terminal", where="--format", hint="add --output FILE"
        )
    content = export(list(run_dirs), rows=rows, format=format_, output=output)
    if output is None:
        click.echo(content, nl=False)
    else:
        click.echo(f"wrote {output}", err=True)

"""``harness models``."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def command() -> None:
    """List, show and fetch models."""


@command.command(name="list")
def list_() -> None:
    """List the catalog: models that come from a Python package index, pinned by sha256."""
    from harness.models.catalog import CATALOG, DEFAULTS
    from harness.models.fetch import is_fetched

    for model in CATALOG.values():
        default = " (default)" if DEFAULTS[model.kind] == model.name else ""
        state = "fetched" if is_fetched(model) else "not fetched"
        click.echo(f"{model.name:24}  {model.kind:9}  {state:11}  {model.summary}{default}")
    click.echo("Any local folder or model hub id works too: --model encoder:PATH_OR_ID")


@command.command(epilog="Example:  harness models show all-minilm-l6-v2")
@click.argument("model")
def show(model: str) -> None:
    """Show a model of the catalog: where it comes from, its licence and its pins."""
    from harness.models.catalog import get
    from harness.models.fetch import is_fetched, model_folder

    entry = get(model)
    rows = {
        "name": entry.name,
        "kind": entry.kind,
        "what": entry.summary,
        "parameters": f"{entry.parameters:,}",
        "licence": entry.licence,
        "original": entry.original,
        "carried by": f"{entry.requirement} ({entry.wheel_bytes / 1e6:.0f} MB)",
        "wheel sha256": entry.wheel_sha256,
        "folder": str(model_folder(entry)) if is_fetched(entry) else "not fetched",
    }
    for key, value in rows.items():
        click.echo(f"{key:12}  {value}")


@command.command(epilog="Example:  harness models fetch smollm2-135m-instruct")
@click.argument("model")
@click.option(
    "--from",
    "wheel",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE.whl",
    help="A wheel that is already here, for a machine that reaches no package index.",
)
@click.option("--verify", is_flag=True, help="Hash every file again.")
def fetch(model: str, wheel: Path | None, verify: bool) -> None:
    """Fetch a model of the catalog, check its sha256 and keep it in the cache."""
    from harness.models import fetch as fetching
    from harness.models.catalog import get

    entry = get(model)
    folder = fetching.fetch(entry, wheel=wheel)
    if verify:
        fetching.verify(entry)
    click.echo(f"{entry.name}: {folder}")

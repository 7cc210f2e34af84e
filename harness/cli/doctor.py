"""``harness doctor``."""

from __future__ import annotations

import click


@click.command()
def command() -> None:
    """Say what this machine has, and what a run would use."""
    import shutil

    from harness.core.cache import cache_dir
    from harness.models.catalog import CATALOG
    from harness.models.fetch import is_fetched
    from harness.runs.provenance import environment

    found = environment()
    click.echo(f"harness {found['harness']}, Python {found['python']}")
    for name, version in found["packages"].items():
        click.echo(f"  {name:22} {version}")
    numerics = found["numerics"]
    threads = f", {numerics['threads']} threads" if "threads" in numerics else ""
    click.echo(f"models run on {numerics['device']} in {numerics['dtype']}{threads}")
    cache = cache_dir()
    cache.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(cache).free / 1e9
    click.echo(f"cache: {cache} ({free:.0f} GB free)")
    for model in CATALOG.values():
        state = "fetched" if is_fetched(model) else f"fetch with: harness models fetch {model.name}"
        click.echo(f"  {model.name:22} {state}")

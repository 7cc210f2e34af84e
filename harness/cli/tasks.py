"""``harness tasks``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from harness.core.errors import UserError

data_dir_option = click.option(
    "--data-dir",
    envvar="HARNESS_DATA",
    type=click.Path(path_type=Path),
    help="Where data files are looked up first (or HARNESS_DATA).",
)
SAMPLES = 3
BAR = 40


@click.group()
def command() -> None:
    """List, show and check tasks."""


@command.command(name="list")
def list_() -> None:
    """List the tasks that a bare name reaches: ./tasks, then the shipped ones."""
    from harness.core.lookup import list_names
    from harness.tasks.definition import read_definition

    for name, path in list_names("tasks").items():
        try:
            definition = read_definition(path).definition
        except UserError as error:
            click.echo(f"{name:24}  cannot be read: {error.problem} ({error.where})", err=True)
            continue
        click.echo(f"{name:24}  {definition.kind:14}  {definition.description}")


@command.command(epilog="Example:  harness tasks show customer_emails")
@click.argument("task")
@data_dir_option
def show(task: str, data_dir: Path | None) -> None:
    """Show a task: its labels with their counts, and some rows."""
    from harness.tasks.task import load_task

    loaded = load_task(task, data_dir=data_dir)
    click.echo(f"{loaded.name} (version {loaded.version}, {loaded.kind})")
    click.echo(loaded.description)
    click.echo(f"licence: {loaded.licence or 'not given'}")
    for split, origin in loaded.source.items():
        click.echo(f"{split}: {origin}")
    click.echo(
        f"rows: {len(loaded.train)} train, {len(loaded.validation)} validation, "
        f"{len(loaded.test)} test, {len(loaded.unlabelled)} unlabelled"
    )
    counts = Counter(example.target for example in loaded.train)
    tested = Counter(example.target for example in loaded.test)
    most = max(counts.values(), default=1)
    names = [label.name for label in loaded.labels]
    width = max(map(len, names), default=0)
    click.echo(f"\n{'label':{width}}  train   test")
    for name in [*names, *([loaded.out_of_scope] if loaded.out_of_scope else [])]:
        bar = "█" * round(BAR * counts[name] / most)
        click.echo(f"{name:{width}}  {counts[name]:5}  {tested[name]:5}  {bar}")
    for example in loaded.train[:SAMPLES]:
        click.echo(f"\n[{example.target}] {loaded.text(example)}")


@command.command(epilog="Example:  harness tasks check my_task.yaml --strict")
@click.argument("task")
@data_dir_option
@click.option("--strict", is_flag=True, help="Warnings fail too.")
def check(task: str, data_dir: Path | None, strict: bool) -> int:
    """Check a task: schema, files, labels, duplicates within and across splits."""
    from harness.tasks.check import check_task

    findings = check_task(task, data_dir=data_dir)
    for finding in findings:
        click.echo(f"{finding.severity}: {finding.message}")
    severities = Counter(finding.severity for finding in findings)
    click.echo(f"{severities['error']} errors, {severities['warning']} warnings")
    failed = severities["error"] or (strict and severities["warning"])
    return 1 if failed else 0


@command.command()
def schema() -> None:
    """Print the JSON Schema of task YAMLs, for an editor to complete and check them."""
    from harness.core.files import pretty_json
    from harness.tasks.definition import json_schema

    click.echo(pretty_json(json_schema()), nl=False)

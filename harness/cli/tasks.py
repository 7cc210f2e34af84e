"""``harness tasks``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.core.errors import UserError

if TYPE_CHECKING:
    from harness.tasks.definition import TaskFile

data_dir_option = click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    help="Where data files are looked up first (or HARNESS_DATA).",
)
SAMPLES = 3
BAR = 40
USER_MISTAKE = 2


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
            _say(f"{name:24}  cannot be read: {error.problem} ({error.where})", err=True)
            continue
        _say(f"{name:24}  {definition.kind:14}  {definition.description}")


@command.command(epilog="Example:  harness tasks show customer_emails")
@click.argument("task")
@data_dir_option
def show(task: str, data_dir: Path | None) -> None:
    """Show a task: its labels with their counts, and some rows."""
    from harness.tasks.task import load_task

    loaded = load_task(task, data_dir=data_dir)
    _say(f"{loaded.name} (version {loaded.version}, {loaded.kind})")
    _say(loaded.description)
    _say(f"licence: {loaded.licence or 'not given'}")
    for split, origin in loaded.source.items():
        _say(f"{split}: {origin}")
    _say(
        f"rows: {len(loaded.train)} train, {len(loaded.validation)} validation, "
        f"{len(loaded.test)} test, {len(loaded.unlabelled)} unlabelled"
    )
    counts = Counter(example.target for example in loaded.train)
    tested = Counter(example.target for example in loaded.test)
    most = max(counts.values(), default=1)
    names = [label.name for label in loaded.labels]
    width = max(map(len, names), default=0)
    _say(f"\n{'label':{width}}  train   test")
    for name in [*names, *([loaded.out_of_scope] if loaded.out_of_scope else [])]:
        bar = "█" * round(BAR * counts[name] / most)
        _say(f"{name:{width}}  {counts[name]:5}  {tested[name]:5}  {bar}")
    for example in loaded.train[:SAMPLES]:
        _say(f"\n[{example.target}] {loaded.text(example)}")


@command.command(epilog="Example:  harness tasks check my_task.yaml --strict")
@click.argument("task")
@data_dir_option
@click.option("--strict", is_flag=True, help="Warnings fail too.")
def check(task: str, data_dir: Path | None, strict: bool) -> int:
    """Check a task: schema, files, labels, duplicates, its metrics and its prompt.

    Ends with 2 where the task has errors, and with 1 where it has warnings and --strict is given.
    """
    from harness.tasks.check import Finding, check_task

    findings = [Finding("error", problem) for problem in _wrong_names(task)]
    findings += check_task(task, data_dir=data_dir)
    for finding in findings:
        _say(f"{finding.severity}: {finding.message}")
    severities = Counter(finding.severity for finding in findings)
    click.echo(f"{severities['error']} errors, {severities['warning']} warnings")
    if severities["error"]:
        return USER_MISTAKE
    return 1 if strict and severities["warning"] else 0


def _wrong_names(task: str) -> Iterator[str]:
    """Gives what is wrong with the metrics and the prompt that a task YAML names."""
    from harness.tasks.definition import read_definition

    try:
        file = read_definition(task)
    except UserError:  # said by the check of the task itself
        return
    named = [(_check_metric, name) for name in file.definition.metrics or ()]
    named += [(_check_prompt, name) for name in [file.definition.prompt] if name]
    for check, name in named:
        try:
            check(name, file)
        except UserError as error:
            yield str(error)


def _check_metric(name: str, file: TaskFile) -> None:
    from harness.metrics import METRICS

    where, kind = file.yaml.where(("metrics",)), file.definition.kind
    if kind not in METRICS.get(name, where=where).kinds:
        fit = [entry.name for entry in METRICS if kind in entry.kinds]
        raise UserError(
            f"the metric {name!r} is not for tasks of the kind {kind}",
            where=where,
            expected=f"one of {', '.join(fit)}",
        )


def _check_prompt(name: str, file: TaskFile) -> None:
    from harness.prompts.template import load_prompt

    prompt, kind = load_prompt(name), file.definition.kind
    if kind not in prompt.kinds:
        raise UserError(
            f"the prompt {name!r} is not for tasks of the kind {kind}",
            where=file.yaml.where(("prompt",)),
            found=f"a prompt for {', '.join(prompt.kinds)}",
        )
    fields = {field for source in file.definition.data for field in source.fields}
    prompt.check_variables(sorted(fields | {"text"}))


def _say(text: str, *, err: bool = False) -> None:
    """Prints text without anything in it that a terminal could act on; its layout stays."""
    from harness.reports.text import plain

    lines = (re.split(r"( {2,})", line) for line in text.split("\n"))
    shown = ("".join(plain(part) if part.strip(" ") else part for part in line) for line in lines)
    click.echo("\n".join(shown), err=err)


@command.command()
def schema() -> None:
    """Print the JSON Schema of task YAMLs, for an editor to complete and check them."""
    from harness.core.files import pretty_json
    from harness.tasks.definition import json_schema

    click.echo(pretty_json(json_schema()), nl=False)

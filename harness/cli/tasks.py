"""``harness tasks``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.new_task import new
from harness.core.errors import UserError

if TYPE_CHECKING:
    from harness.prompts.template import PromptTemplate
    from harness.tasks.definition import TaskFile
    from harness.tasks.task import Task

data_dir_option = click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    help="Where data files are looked up first (or HARNESS_DATA).",
)
set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set a key of the task YAML, such as splits.test=0.3 or data.0.label=class; may be "
    "repeated.",
)
ROWS = 3
USER_MISTAKE = 2


@click.group()
def command() -> None:
    """Propose, list, show and check tasks."""


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
        _say(f"{name:24}  {definition.kind:15}  {definition.description}")


@command.command(epilog="Example:  harness tasks show customer_emails --rows 10")
@click.argument("task")
@data_dir_option
@set_option
@click.option(
    "--rows",
    type=click.IntRange(0),
    default=ROWS,
    help=f"Sample rows, of each label at most one. Default: {ROWS}.",
)
def show(task: str, data_dir: Path | None, overrides: tuple[str, ...], rows: int) -> None:
    """Show a task: its labels with their counts, some rows, and its prompt."""
    from harness.cli.task_view import task_lines
    from harness.tasks.definition import read_definition
    from harness.tasks.task import task_of

    file = read_definition(task, overrides)
    loaded = task_of(file, data_dir=data_dir)
    for line in task_lines(loaded, rows):
        _say(line)
    if loaded.prompt:
        _show_prompt(file, loaded)


def _show_prompt(file: TaskFile, task: Task) -> None:
    """Shows what a model reads for the first test row, without demonstrations."""
    from harness.cli.task_view import prompt_text

    example = task.test[0]
    try:
        shown = prompt_text(_fitting_prompt(file), task, example)
    except UserError as error:  # the task is shown already
        _say(f"\nno prompt: {error}", err=True)
        return
    _say(f"\nprompt {task.prompt}, test row {example.row}, without demonstrations:\n")
    _say(shown)


@command.command(epilog="Example:  harness tasks check my_task.yaml --strict")
@click.argument("task")
@data_dir_option
@set_option
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="KIND:MODEL",
    help="Count the tokens of this model: encoder:MODEL or causal_lm:MODEL. Default: the default "
    "models, where they are on this machine already.",
)
@click.option("--strict", is_flag=True, help="Warnings fail too.")
def check(
    task: str,
    data_dir: Path | None,
    overrides: tuple[str, ...],
    models: tuple[str, ...],
    strict: bool,
) -> int:
    """Check a task: schema, files, labels, texts, duplicates, personal data, metrics and prompt.

    Ends with 2 where the task has errors, and with 1 where it has warnings and --strict is given.
    """
    from harness.cli.token_counts import token_counters
    from harness.tasks.check import Finding, check_task, in_order

    counters = token_counters(models)
    named = [Finding("error", problem) for problem in _wrong_names(task, overrides)]
    found = check_task(task, data_dir=data_dir, overrides=overrides, counters=counters)
    findings = in_order([*named, *found])
    for finding in findings:
        _say(f"{finding.severity}: {finding.message}")
    severities = Counter(finding.severity for finding in findings)
    click.echo(f"{severities['error']} errors, {severities['warning']} warnings")
    if severities["error"]:
        return USER_MISTAKE
    return 1 if strict and severities["warning"] else 0


def _wrong_names(task: str, overrides: Sequence[str]) -> Iterator[str]:
    """Gives what is wrong with the metrics and the prompt that a task YAML names."""
    from harness.metrics import metric_for
    from harness.tasks.definition import read_definition

    try:
        file = read_definition(task, overrides)
    except UserError:  # said by the check of the task itself
        return
    scope, where = file.rules.out_of_scope is not None, file.yaml.where(("metrics",))
    for name in file.definition.metrics or ():
        try:
            metric_for(file.definition.kind, name, scope=scope, where=where)
        except UserError as error:
            yield str(error)
    if file.definition.prompt:
        try:
            _fitting_prompt(file)
        except UserError as error:
            yield str(error)


def _fitting_prompt(file: TaskFile) -> PromptTemplate:
    """Returns the prompt that a task YAML names, which fits the task."""
    from harness.prompts.template import load_prompt
    from harness.runs.requests import check_prompt

    where = file.yaml.where(("prompt",))
    try:
        prompt = load_prompt(str(file.definition.prompt))
    except UserError as error:
        if error.where:
            raise
        raise UserError(
            error.problem, where=where, found=error.found, expected=error.expected, hint=error.hint
        ) from None
    check_prompt(prompt, file, where=where)
    return prompt


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


command.add_command(new)

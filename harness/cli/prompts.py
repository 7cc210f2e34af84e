"""``harness prompts``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.tasks import data_dir_option
from harness.core.errors import UserError

if TYPE_CHECKING:
    from harness.core.types import Example
    from harness.prompting.demonstrations import Selection
    from harness.prompts.template import PromptTemplate
    from harness.tasks.task import Task


@click.group()
def command() -> None:
    """List, show and render prompt templates."""


@command.command(name="list")
def list_() -> None:
    """List the prompts that a bare name reaches: ./prompts, then the shipped ones."""
    from harness.core.lookup import list_names
    from harness.reports.text import plain

    for name, path in list_names("prompts").items():
        try:
            prompt = _load(str(path))
        except UserError as error:
            hint = f"; {error.hint}" if error.hint else ""
            click.echo(
                plain(f"{name}  cannot be read: {error.problem} ({error.where}){hint}"), err=True
            )
            continue
        click.echo(f"{name:24}  {', '.join(prompt.kinds):14}  {plain(prompt.description)}")


@command.command()
@click.argument("prompt")
def show(prompt: str) -> None:
    """Show a prompt's YAML."""
    from harness.core.lookup import find
    from harness.reports.text import harmless

    _load(prompt)
    path = find(prompt, folder="prompts")
    click.echo(f"# {path}")
    click.echo(harmless(path.read_text(encoding="utf-8")), nl=False)


@command.command(
    epilog="Example:  harness prompts render customer_email_v1 --task customer_emails --k 4"
)
@click.argument("prompt")
@click.option("--task", required=True, metavar="T", help="The task whose rows fill the prompt.")
@click.option("--k", type=click.IntRange(0), default=0, help="Demonstrations. Default: 0.")
@click.option(
    "--select",
    type=click.Choice(["random", "balanced"]),
    default="balanced",
    help="Any examples, or classes in turn. Default: balanced.",
)
@click.option(
    "--labels",
    default="all",
    metavar="BUDGET",
    help="The label budget they come from: 8/class, 100, all. Default: all.",
)
@click.option(
    "--draw",
    type=click.IntRange(1),
    default=1,
    help="Which draw of the budget. Default: the first.",
)
@click.option(
    "--row", type=click.IntRange(0), default=0, help="Which test row. Default: the first."
)
@click.option("--seed", type=click.IntRange(0), default=0, help="The seed of the run. Default: 0.")
@click.option("--model", metavar="MODEL", help="The causal LM that counts tokens.")
@data_dir_option
def render(
    prompt: str, task: str, row: int, model: str | None, data_dir: Path | None, **shown: Any
) -> None:
    """Show exactly what the model reads for a test row, and what it scores after it.

    With the labels, draw, seed and settings of a run the demonstrations are those of the run.
    """
    from harness.models import catalog
    from harness.models.room import ModelRoom
    from harness.prompting.build import PromptBuilder
    from harness.reports.text import harmless
    from harness.tasks.task import load_task

    template = _load(prompt)
    loaded = load_task(task, data_dir=data_dir)
    template.check_variables([*loaded.test[0].fields, "text"])
    if row >= len(loaded.test):
        raise UserError(
            "there is no such test row", where="--row", found=row,
            expected=f"0 to {len(loaded.test) - 1}",
        )  # fmt: skip
    demonstrations = _demonstrations(loaded, **shown)
    lm = ModelRoom().causal_lm(model or catalog.default("causal_lm").name)
    builder = PromptBuilder(template=template, labels=loaded.labels, text=loaded.text, model=lm)
    built = builder.build([loaded.test[row].without_target()], demonstrations)[0]
    click.echo(harmless(built.text))
    click.echo("\n--- scored as continuations " + "-" * 40)
    for continuation in builder.continuations:
        click.echo(f"{continuation!r}")
    click.echo("--- tokens " + "-" * 57)
    # The head's last token may merge with the text after it, so every row reads that one again.
    shared = max(lm.count_tokens(built.head) - 1, 0) if built.head else 0
    click.echo(
        f"{lm.name}: {lm.count_tokens(built.text)} tokens, {shared} of them shared by every row; "
        f"the model reads {lm.context_tokens}"
    )


@command.command()
def schema() -> None:
    """Print the JSON Schema of prompt YAMLs, for an editor to complete and check them."""
    from harness.core.files import pretty_json
    from harness.prompts.schema import json_schema

    click.echo(pretty_json(json_schema()), nl=False)


def _load(name: str) -> PromptTemplate:
    """Reads a prompt whose every kind is a task kind."""
    from harness.core.lookup import find
    from harness.prompts.template import load_prompt
    from harness.tasks.kinds import KINDS

    template = load_prompt(name)
    for kind in template.kinds:
        KINDS.get(kind, where=f"{find(name, folder='prompts')}: kinds")
    return template


def _demonstrations(
    task: Task, *, k: int, select: Selection, labels: str, draw: int, seed: int
) -> list[Example]:
    """Returns what few_shot shows in a run with these labels, draw (from 1) and seed."""
    from harness.prompting.demonstrations import select_demonstrations
    from harness.runs.identity import cell_seed
    from harness.tasks import draws

    drawn = draws.draw(
        task.train, task.labels, draws.Budget.parse(labels), seed=seed, draw=draw - 1
    )
    train = [task.train[place] for place in drawn.rows]
    return select_demonstrations(train, k=k, selection=select, seed=cell_seed(seed, draw - 1))

"""``harness prompts``."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.tasks import data_dir_option
from harness.core.errors import UserError


@click.group()
def command() -> None:
    """List, show and render prompt templates."""


@command.command(name="list")
def list_() -> None:
    """List the prompts that a bare name reaches: ./prompts, then the shipped ones."""
    from harness.core.lookup import list_names
    from harness.prompts.template import load_prompt

    for name, path in list_names("prompts").items():
        try:
            prompt = load_prompt(str(path))
        except UserError as error:
            click.echo(f"{name:24}  cannot be read: {error.problem} ({error.where})", err=True)
            continue
        click.echo(f"{name:24}  {', '.join(prompt.kinds):14}  {prompt.description}")


@command.command()
@click.argument("prompt")
def show(prompt: str) -> None:
    """Show a prompt's YAML."""
    from harness.core.lookup import find
    from harness.prompts.template import load_prompt

    load_prompt(prompt)
    path = find(prompt, folder="prompts")
    click.echo(f"# {path}")
    click.echo(path.read_text(encoding="utf-8"), nl=False)


@command.command(
    epilog="Example:  harness prompts render customer_email_v1 --task customer_emails --k 4"
)
@click.argument("prompt")
@click.option("--task", required=True, metavar="T", help="The task whose rows fill the prompt.")
@click.option("--k", type=click.IntRange(0), default=0, help="Demonstrations. Default: 0.")
@click.option(
    "--row", type=click.IntRange(0), default=0, help="Which test row. Default: the first."
)
@click.option("--seed", type=click.IntRange(0), default=0, help="Seed of the demonstrations.")
@click.option("--model", metavar="MODEL", help="The causal LM that counts tokens.")
@data_dir_option
def render(
    prompt: str, task: str, k: int, row: int, seed: int, model: str | None, data_dir: Path | None
) -> None:
    """Show exactly what the model reads for a test row, and what it scores after it."""
    from harness.models import catalog
    from harness.models.room import ModelRoom
    from harness.prompting.build import PromptBuilder
    from harness.prompting.demonstrations import select_demonstrations
    from harness.prompts.template import load_prompt
    from harness.runs.identity import cell_seed
    from harness.tasks.task import load_task

    template = load_prompt(prompt)
    loaded = load_task(task, data_dir=data_dir)
    template.check_variables([*loaded.test[0].fields, "text"])
    if row >= len(loaded.test):
        raise UserError(
            "there is no such test row", where="--row", found=row,
            expected=f"0 to {len(loaded.test) - 1}",
        )  # fmt: skip
    lm = ModelRoom().causal_lm(model or catalog.default("causal_lm").name)
    builder = PromptBuilder(template=template, labels=loaded.labels, text=loaded.text, model=lm)
    shown = select_demonstrations(loaded.train, k=k, selection="balanced", seed=cell_seed(seed, 0))
    example = loaded.test[row].without_target()
    built = builder.build([example], shown)[0]
    click.echo(built.text)
    click.echo("\n--- scored as continuations " + "-" * 40)
    for continuation in builder.continuations:
        click.echo(f"{continuation!r}")
    click.echo("--- tokens " + "-" * 57)
    click.echo(
        f"{lm.name}: {lm.count_tokens(built.text)} tokens, "
        f"{lm.count_tokens(built.head) if built.head else 0} of them shared by every row; "
        f"the model reads {lm.context_tokens}"
    )


@command.command()
def schema() -> None:
    """Print the JSON Schema of prompt YAMLs, for an editor to complete and check them."""
    from harness.core.files import pretty_json
    from harness.prompts.schema import json_schema

    click.echo(pretty_json(json_schema()), nl=False)

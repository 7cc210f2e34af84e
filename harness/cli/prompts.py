"""``harness prompts``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.tasks import data_dir_option
from harness.core.errors import UserError

if TYPE_CHECKING:
    from harness.core.types import Example
    from harness.models.base import CausalLM, Floats
    from harness.models.room import ModelRoom
    from harness.prompting.build import Built
    from harness.prompting.demonstrations import Order, Scope, Selection
    from harness.prompts.template import PromptTemplate
    from harness.tasks.task import Task

SELECTIONS = ("random", "balanced", "nearest", "diverse")
ORDERS = ("random", "nearest_last", "label_grouped")
SCOPES = ("draw", "query")


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
        click.echo(f"{name:24}  {', '.join(prompt.kinds):23}  {plain(prompt.description)}")


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
    epilog="Example:  harness prompts render customer_email_v2 --task customer_emails --k 4"
)
@click.argument("prompt")
@click.option("--task", required=True, metavar="T", help="The task whose rows fill the prompt.")
@click.option("--k", type=click.IntRange(0), default=0, help="Demonstrations. Default: 0.")
@click.option(
    "--select",
    type=click.Choice(SELECTIONS),
    default="balanced",
    help="Which: any, classes in turn, nearest to the row, or near and diverse. Default: balanced.",
)
@click.option(
    "--order",
    type=click.Choice(ORDERS),
    help="In which order. Default: nearest_last for nearest and diverse per query, else random.",
)
@click.option(
    "--per",
    type=click.Choice(SCOPES),
    help="The same for every row of a draw, or chosen per query. Default: query for nearest and "
    "diverse.",
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
@click.option("--chat", is_flag=True, help="As a conversation, by the model's chat template.")
@click.option("--model", metavar="MODEL", help="The causal LM that reads it.")
@click.option("--encoder", metavar="MODEL", help="The encoder that says what is near.")
@data_dir_option
def render(
    prompt: str,
    task: str,
    row: int,
    chat: bool,
    model: str | None,
    data_dir: Path | None,
    **demonstrations: Any,
) -> None:
    """Show exactly what the model reads for a test row, and what it scores after it.

    With the labels, draw, seed and settings of a run the demonstrations are those of the run.
    """
    from harness.models import catalog
    from harness.models.room import ModelRoom
    from harness.prompting.build import PromptBuilder
    from harness.tasks.task import load_task

    template = _load(prompt)
    loaded = load_task(task, data_dir=data_dir)
    template.check_variables(sorted(loaded.rules.variables()))
    if row >= len(loaded.test):
        raise UserError(
            "there is no such test row", where="--row", found=row,
            expected=f"0 to {len(loaded.test) - 1}",
        )  # fmt: skip
    query, room = loaded.test[row].without_target(), ModelRoom()
    shown = _demonstrations(loaded, query, room, **demonstrations)
    lm = room.causal_lm(model or catalog.default("causal_lm").name)
    builder = PromptBuilder(template, loaded.labels, loaded.rules, lm, chat=chat)
    _show(builder.build([query], [shown]), lm)


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
    task: Task,
    query: Example,
    room: ModelRoom,
    *,
    k: int,
    select: Selection,
    order: Order | None,
    per: Scope | None,
    encoder: str | None,
    labels: str,
    draw: int,
    seed: int,
) -> list[Example]:
    """Returns what few_shot shows in a run with these labels, draw (from 1) and seed."""
    from harness.models import catalog
    from harness.prompting.demonstrations import DemonstrationPicker
    from harness.runs.identity import cell_seed
    from harness.tasks import draws

    def embed(examples: Sequence[Example]) -> Floats:
        model = room.encoder(encoder or catalog.default("encoder").name)
        return model.encode([task.text(example) for example in examples]).values

    budget = draws.Budget.parse(labels)
    drawn = draws.draw(task.train, task.labels, budget, seed=seed, draw=draw - 1)
    picker = DemonstrationPicker(
        task.training_rows(budget, drawn),
        k=k, select=select, order=order, per=per, seed=cell_seed(seed, draw - 1),
        text=task.text, embed=embed,
    )  # fmt: skip
    return picker.pick([query])[0]


def _show(built: Built, lm: CausalLM) -> None:
    from harness.reports.text import harmless

    [prompt] = built.prompts
    click.echo(harmless(prompt.text))
    [continuations] = built.continuations
    click.echo("\n--- " + ("scored as continuations" if continuations else "written freely"))
    for continuation in continuations:
        click.echo(f"{continuation!r}")
    click.echo("--- tokens " + "-" * 57)
    shared = lm.count_tokens("".join(prompt.pieces[:-1])) if prompt.pieces[1:] else 0
    click.echo(
        f"{lm.name}: {lm.count_tokens(prompt.text)} tokens, {shared} of them shared by rows with "
        f"the same demonstrations; the model reads {lm.context_tokens}"
    )
    if built.shortened:
        click.echo("shortened to fit: first demonstrations are dropped, then the text is cut")

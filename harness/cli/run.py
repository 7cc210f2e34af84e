"""``harness run``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

EXAMPLES = """\b
Examples:
  harness run --task customer_emails
  harness run --task my_task.yaml --method prototypes --method linear_probe --labels 4/class,all
  harness run --task banking77 --data-dir data --method few_shot:k=5 --draws 3 --limit 200
  harness run --task customer_emails_transfer --labels source,source+8/class,8/class
  harness run experiment.yaml --dry-run
"""


@click.command(epilog=EXAMPLES)
@click.argument(
    "experiment", required=False, type=click.Path(path_type=Path), metavar="[EXPERIMENT.yaml]"
)
@click.option("--task", multiple=True, metavar="T", help="Name or path of a task; may be repeated.")
@click.option(
    "--set",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set a key of the task YAML, such as splits.test=0.3; may be repeated.",
)
@click.option(
    "--method",
    multiple=True,
    metavar="M[:key=value,...]",
    help="A method, with settings if any; may be repeated. Default: all that fit.",
)
@click.option(
    "--model",
    multiple=True,
    metavar="KIND:MODEL",
    help="causal_lm:MODEL or encoder:MODEL; a catalog name, a folder or a hub id.",
)
@click.option("--prompt", multiple=True, metavar="P", help="A prompt. Default: the task's own.")
@click.option(
    "--chat/--no-chat",
    default=None,
    help="Prompts as conversations, in the model's chat template. Default: plain text.",
)
@click.option(
    "--labels",
    multiple=True,
    metavar="N",
    help="Label budgets: 8/class, 100, all, rows:FILE.json; of a task with two domains also source "
    "(its source rows), source+8/class, source+all; commas separate. Default: 8/class, or 32 where "
    "rows fall into no classes.",
)
@click.option("--draws", type=click.IntRange(1), help="Draws of each label budget. Default: 3.")
@click.option("--limit", type=click.IntRange(1), help="At most so many test rows, sampled.")
@click.option("--seed", type=click.IntRange(0), help="Seed of everything random. Default: 0.")
@click.option(
    "--out",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="The run's folder. Default: results/TASK.",
)
@click.option(
    "--data-dir",
    metavar="DIR",
    help="Where data files are looked up first (or HARNESS_DATA).",
)
@click.option(
    "--keep-models/--no-keep-models",
    default=None,
    help="Keep the model that each cell trains, with a card, in models/ of the run's folder.",
)
@click.option("--dry-run", is_flag=True, help="List the cells and an estimate; compute nothing.")
def command(experiment: Path | None, dry_run: bool, **flags: Any) -> int:
    """Run methods on a task, and write table.csv, cells.csv and manifest.json.

    What is there already is not computed again; after an interruption the same command goes on.
    The keys of an EXPERIMENT.yaml are these flags, and a flag goes before a key.
    """
    from harness.runs.experiment import read_experiment

    asked = read_experiment(experiment, flags)
    return _dry_run(asked) if dry_run else _run(asked)


def _run(asked: Any) -> int:
    from harness.models.resolve import resolve
    from harness.models.room import ModelRoom
    from harness.reports.table import write_tables
    from harness.reports.text import terminal_table
    from harness.runs.execute import execute
    from harness.runs.plan import make_plan

    plan = make_plan(asked, lambda spec, kind: resolve(spec, kind, where="--model").identity)
    run_dir = asked.run_dir
    outcome = execute(plan, run_dir, ModelRoom())
    click.echo(terminal_table(write_tables(run_dir)))
    click.echo(
        f"cells: {outcome.computed} computed, {outcome.reused} reused, "
        f"{len(outcome.failures)} failed; texts encoded: {outcome.texts_encoded}; "
        f"prompts run: {outcome.prompts_run}"
    )
    for reason in dict.fromkeys(outcome.failures.values()):
        click.echo(f"failed: {reason}", err=True)
    click.echo(f"table: {run_dir / 'table.csv'}")
    return 1 if outcome.failures else 0


def _dry_run(asked: Any) -> int:
    from harness.models.resolve import describe_identity
    from harness.runs.estimate import estimate_seconds
    from harness.runs.execute import describe, missing_cells
    from harness.runs.plan import make_plan

    def identity(spec: str, kind: str) -> str:
        return describe_identity(spec, kind, where="--model") or f"not fetched yet: {spec}"

    plan = make_plan(asked, identity)
    cells = plan.distinct()
    missing = missing_cells(plan, asked.run_dir)
    for cell in cells:
        state = "to compute" if cell in missing else "there"
        click.echo(f"{cell.row.identity}  {state:10}  {describe(cell)}")
    seconds = estimate_seconds(missing)
    click.echo(
        f"{len(cells)} cells: {len(cells) - len(missing)} there, {len(missing)} to compute, "
        f"about {_duration(seconds)} on this machine (a rough estimate)"
    )
    return 0


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"

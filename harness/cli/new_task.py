"""``harness tasks new``."""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.core.errors import UserError

if TYPE_CHECKING:
    from harness.tasks.proposal.draft import HubSource, Written
    from harness.tasks.proposal.questions import Decide, Option, Question
    from harness.tasks.proposal.tables import RawTable

EXAMPLES = """\b
Examples:
  harness tasks new emails.csv
  harness tasks new mails.xlsx --text subject --text body --label class --yes
  harness tasks new train.jsonl --test test.jsonl --name my_task
  harness tasks new mails.csv --group customer --out-of-scope other
  harness tasks new SetFit/sst2
"""
GENERAL_NAMES = ("task", "train", "training", "data", "all", "dataset", "test")
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
SHOWN_LABELS = 8
FIRST_METHODS = ("tfidf", "prototypes", "linear_probe", "zero_shot", "few_shot")
"""Cheap ones first; as many as ``FIRST`` that can do the task are proposed."""
FIRST = 3


@click.command(epilog=EXAMPLES)
@click.argument("file", metavar="FILE")
@click.option("--text", multiple=True, metavar="COLUMN", help="A column of the text; repeatable.")
@click.option("--label", metavar="COLUMN", help="The column of the labels or answers.")
@click.option("--kind", metavar="KIND", help="The kind of the task: single_label, text_pair, ...")
@click.option(
    "--test",
    metavar="SHARE|FILE",
    help="The share or number of rows to test on, or a file of test rows. Default: 0.25.",
)
@click.option("--group", metavar="COLUMN", help="Rows with equal values there stay together.")
@click.option("--time", metavar="COLUMN", help="The latest rows by this column are tested on.")
@click.option("--out-of-scope", metavar="LABEL", help="The label of rows outside all others.")
@click.option("--name", metavar="NAME", help="The task's name. Default: the file's.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="The task YAML, or a folder for it. Default: beside the data.",
)
@click.option("--config", metavar="NAME", help="Hugging Face only: name of the configuration.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The data folder (or HARNESS_DATA), where --out is elsewhere.",
)
@click.option("--yes", is_flag=True, help="Take every guess, ask nothing.")
def new(file: str, yes: bool, data_dir: Path | None, **flags: Any) -> None:
    """Propose a task YAML for your own data, and write it with comments.

    FILE is a .csv, .xlsx, .jsonl or .parquet with names in its first row, or the id of a Hugging
    Face data set (org/name, or hub:NAME). Columns, kind and splits are found out; where that is
    unclear you are asked, or, without a terminal, told which flag decides. No file is overwritten.
    """
    from harness.tasks.definition import implied_name
    from harness.tasks.proposal.draft import Wishes
    from harness.tasks.proposal.propose import propose
    from harness.tasks.proposal.saving import save

    share, test_file = _test(flags.pop("test"))
    config, chosen, out = flags.pop("config"), flags.pop("name"), flags.pop("out")
    tables, hub = _read(file, test_file, config)
    name, path = _target(tables, hub, chosen, out)
    if share is not None and "test" in tables:
        raise UserError("the data have test rows of their own", where="--test")
    if name != implied_name(path):
        raise UserError(
            "the name differs from the file's",
            where="--name",
            found=name,
            expected=implied_name(path),
        )
    environment = os.environ.get("HARNESS_DATA")
    folder = data_dir or (Path(environment).expanduser() if environment else None)
    draft = propose(tables, name, Wishes(test=share, **flags), _decide(yes), _fitting_prompt, hub)
    _say(_described(save(draft, path, folder), data_dir))


def _test(value: str | None) -> tuple[float | None, Path | None]:
    """Returns what --test says: a share or number, or a file."""
    if value is None:
        return None, None
    try:
        share = float(value)
    except ValueError:
        return None, Path(value)
    if not 0 < share < float("inf") or (share >= 1 and share != int(share)):
        raise UserError(
            "wrong value", where="--test", found=value, expected="a share below 1, a number of "
            "rows, or a file",
        )  # fmt: skip
    return share, None


def _read(
    file: str, test: Path | None, config: str | None
) -> tuple[dict[str, RawTable], HubSource | None]:
    """Returns the table of each split, and where on the hub they come from, if they do."""
    from harness.tasks.proposal.hub_splits import arrange
    from harness.tasks.proposal.tables import read_file, read_hub

    path = Path(file).expanduser()
    dataset = file.removeprefix("hub:")
    is_id = HUB_ID.fullmatch(file) and not re.fullmatch(r"\.[A-Za-z]\w*", path.suffix)
    on_hub = dataset != file or (is_id and not path.exists())
    if on_hub:
        if not (HUB_ID.fullmatch(dataset) or re.fullmatch(r"[\w.-]+", dataset, re.ASCII)):
            raise UserError("this is no id of a data set", where="FILE", found=file)
        if test:
            raise UserError("this flag goes with files only", where="--test", found=str(test))
        return arrange(read_hub(dataset, config), dataset, config)
    if config:
        raise UserError("this flag goes with the Hugging Face hub only", where="--config")
    if test is None:
        return {"all": read_file(path)}, None
    if path.suffix.lower() != test.suffix.lower():
        raise UserError(
            "both files must have one format", where="--test", found=test.name,
            expected=f"a file that ends in {path.suffix}",
        )  # fmt: skip
    return {"train": read_file(path), "test": read_file(test)}, None


def _target(
    tables: dict[str, RawTable], hub: HubSource | None, name: str | None, out: Path | None
) -> tuple[str, Path]:
    """Returns the task's name, and where its YAML goes."""
    from harness.tasks.definition import implied_name

    files = [table.path for table in tables.values() if table.path]
    named_file = out is not None and out.suffix in (".yaml", ".yml")
    if name is None:
        name = implied_name(out) if out is not None and named_file else _name(files, hub)
    elif not re.fullmatch(r"[\w.-]+", name) or name.startswith("."):
        raise UserError(
            "this cannot be the name of a task", where="--name", found=name,
            expected="letters, digits, _ and -",
        )  # fmt: skip
    if out is not None and named_file:
        return name, out
    if out is not None:
        return name, out / f"{name}.yaml"
    folder = Path(os.path.commonpath([file.parent for file in files])) if files else Path("tasks")
    return name, folder / f"{name}.yaml"


def _name(files: list[Path], hub: HubSource | None) -> str:
    if hub:
        stem = hub.name.rpartition("/")[2]
    else:
        file = files[0].absolute()
        stem = file.parent.name if file.stem.lower() in GENERAL_NAMES else file.stem
    return re.sub(r"\W+", "_", stem).strip("_").lower() or "my_task"


def _decide(yes: bool) -> Decide:
    from harness.tasks.proposal.questions import refuse, take_the_guess

    if yes:
        return take_the_guess
    return _ask if _at_a_terminal() else refuse


def _at_a_terminal() -> bool:
    return sys.stdin.isatty()


def _ask(question: Question) -> Option:
    _say(f"\n{question.asked}")
    for number, option in enumerate(question.options, start=1):
        _say(f"  {number}  {option.value}  ({option.reason})")
    answer = click.prompt("Number", type=click.IntRange(1, len(question.options)), default=1)
    return question.options[answer - 1]


def _fitting_prompt(wanted: str, kind: str, fields: frozenset[str]) -> str | None:
    """Returns the prompt that is wanted if it fits, else the first shipped one that does."""
    from harness.core.lookup import list_names
    from harness.prompts.template import load_prompt

    known = fields | {"text", "choices", "choice_list", "slot", "question"}
    for name in [wanted, *list_names("prompts")]:
        try:
            prompt = load_prompt(name)
            prompt.check_variables(sorted(known))
        except UserError:
            continue
        if kind in prompt.kinds:
            return name
    return None


def _described(written: Written, data_dir: Path | None) -> str:
    draft = written.draft
    fields = ", ".join(
        column if field == column else f"{column} (as {field})"
        for field, column in draft.shape.fields.items()
    )
    lines = [
        f"kind:    {draft.shape.kind}",
        f"text:    {fields}",
        f"{'label:  ' if draft.labels else 'answer: '} {draft.shape.target}{_some_labels(written)}",
        f"rows:    {written.train} to train on, {written.test} to test on",
    ]
    if written.plan:
        lines += [f"         {line}" for line in written.plan.why]
    lines += [f"copied:  {reason}" for reason in draft.copied]
    lines += [f"wrote:   {path}" for path in (*written.copies, written.path)]
    lines += [f"note:    {note}" for note in written.notes]
    return "\n".join([*lines, "", *_next(written, data_dir)])


def _some_labels(written: Written) -> str:
    names = [label.name for label in written.draft.labels]
    if not names:
        return ""
    more = f", and {len(names) - SHOWN_LABELS} more" if len(names) > SHOWN_LABELS else ""
    return f", {len(names)} of them: {', '.join(names[:SHOWN_LABELS])}{more}"


def _next(written: Written, data_dir: Path | None) -> list[str]:
    """Returns what to do next, with the commands as they can be copied."""
    from harness.methods import METHODS
    from harness.tasks.kinds import KINDS

    draft = written.draft
    entry = KINDS.get(draft.shape.kind)
    task = shlex.quote(str(written.path))
    folder = f" --data-dir {shlex.quote(str(data_dir))}" if data_dir else ""
    able = [name for name in FIRST_METHODS if entry.name in METHODS.get(name).kinds]
    methods = " ".join(f"--method {name}" for name in able[:FIRST])
    labels = "8/class,all" if entry.has_classes else "32,all"
    results = shlex.quote(f"results/{draft.name}")
    # The file may be the user's data: an export writes over what is there.
    table = f"{draft.name}_results.csv" if Path("table.csv").exists() else "table.csv"
    fill_in = ["description", "licence", *(["what each label means"] if draft.labels else [])]
    return [
        f'Next, fill in what is marked "fill in" ({", ".join(fill_in)}), then:',
        f"  harness tasks check {task}{folder}",
        f"  harness run --task {task} {methods} --labels {labels}{folder}",
        f"  harness export {results} --output {table}",
    ]


def _say(text: str) -> None:
    """Prints text without anything in it that a terminal could act on."""
    from harness.reports.text import harmless

    click.echo(harmless(text))

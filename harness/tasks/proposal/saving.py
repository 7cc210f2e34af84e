"""Validates a draft, and writes it where nothing stands yet."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Mapping
from pathlib import Path

from harness.core.errors import DataError, HarnessError, UserError
from harness.core.files import sha256_bytes
from harness.tasks.proposal.csv_text import write_csv
from harness.tasks.proposal.draft import Draft, Written
from harness.tasks.proposal.splits import HALF, SplitPlan
from harness.tasks.proposal.tables import RawTable
from harness.tasks.proposal.writing import render
from harness.tasks.task import Task, load_task


@dataclasses.dataclass(frozen=True, slots=True)
class _Files:
    """The files that a task YAML names.

    Attributes:
        root: The folder below which they lie; None for the hub.
        names: The path of each split's below it.
        sha256: The sha256 of each.
        copies: The content of those that are to be written.
    """

    root: Path | None
    names: Mapping[str, str]
    sha256: Mapping[str, str]
    copies: Mapping[str, bytes]


def save(draft: Draft, path: Path, data_dir: Path | None) -> Written:
    """Writes a draft's task YAML, and clean copies of the data where these need it.

    Nothing is written before the whole has been read back as a task; no file is overwritten.

    Args:
        draft: The draft.
        path: Where the task YAML goes.
        data_dir: The data folder, where one is named.

    Raises:
        UserError: A file is there already, or the data lie where a task cannot name them.
        DataError: The rows are not fit for a task.
        HarnessError: The proposal cannot be read back, which is a mistake of the harness.
    """
    files = _files(draft, path, data_dir)
    for target in (path, *(path.parent / name for name in files.copies)):
        if target.exists():
            raise _there_already(target)
    with tempfile.TemporaryDirectory() as folder:
        content, task, plan, notes = _first_that_works(draft, path.name, files, Path(folder))
    path.parent.mkdir(parents=True, exist_ok=True)
    made: list[Path] = []
    try:
        for name, data in {**files.copies, path.name: content.encode()}.items():
            target = path.parent / name
            _write_new(target, data)
            made.append(target)
    except BaseException:
        for target in made:
            target.unlink()
        raise
    notes = [*draft.notes, *(draft.hub.notes if draft.hub else ()), *notes]
    return Written(draft, path, made[:-1], plan, len(task.train), len(task.test), notes)


def _first_that_works(
    draft: Draft, file_name: str, files: _Files, folder: Path
) -> tuple[str, Task, SplitPlan | None, list[str]]:
    """Returns the YAML and the task with the first way to draw test rows that can be used."""
    for name, data in files.copies.items():
        (folder / name).write_bytes(data)
    root = folder if files.copies else files.root
    dropped: list[str] = []
    for number, plan in enumerate(draft.plans or [None], start=1):
        content = render(draft, files.names, files.sha256, plan)
        (folder / file_name).write_text(content, "utf-8")
        last = number >= len(draft.plans)
        try:
            task = load_task(folder / file_name, data_dir=root)
        except DataError as error:
            if last:
                raise DataError(str(error).replace(str(folder / file_name), file_name)) from error
            dropped.append(_dropped(plan, error.problem))
            continue
        except UserError as error:
            raise HarnessError(
                f"the proposal cannot be read back, which is a mistake of the harness:\n{error}"
            ) from error
        if last or not (problem := _unfit(task, plan)):
            return content, task, plan, dropped
        dropped.append(_dropped(plan, problem))
    raise HarnessError("no way to draw test rows is left")


def _unfit(task: Task, plan: SplitPlan | None) -> str | None:
    """Returns what is wrong with the test rows that a guessed way of drawing them gives."""
    if plan is None or plan.asked:
        return None
    count = len(task.train) + len(task.test)
    if len(task.test) < HALF * (plan.test if plan.test >= 1 else plan.test * count):
        return f"only {len(task.test)} rows would be tested on"
    trained = {name for row in task.train for name in task.rules.classes(row)}
    missing = [label.name for label in task.labels if label.name not in trained]
    if missing and task.rules.answer in ("label", "labels"):
        return f"the label {missing[0]!r} would have no rows to train on"
    return None


def _dropped(plan: SplitPlan | None, problem: str) -> str:
    key = f"`{plan.key}: {plan.column}`" if plan and plan.key else "the draw"
    return f"test rows are not drawn with {key}: {problem}"


def _files(draft: Draft, path: Path, data_dir: Path | None) -> _Files:
    if draft.hub:
        if draft.copied:
            raise DataError(
                "a task takes all rows of a data set of the hub, and some of these cannot be used",
                where=draft.hub.name,
                found="; ".join(draft.copied),
                hint="save the rows into a file, and propose a task for it",
            )
        return _Files(None, {}, {}, {})
    if draft.copied:
        return _clean_copies(draft, path)
    tables = {split: table for split, table in draft.tables.items() if table.path}
    root = next(
        (one for one in (path.parent, data_dir) if one and _all_below(one, tables)), None
    )  # fmt: skip
    if root is None:
        raise UserError(
            "the data lie neither beside the task YAML nor below the data folder",
            where=str(path),
            found=", ".join(table.place for table in tables.values()),
            expected="a task YAML in a folder that holds the data, or --data-dir FOLDER that does",
            hint="leave --out out: the task YAML is written beside the data",
        )
    names = {split: _relative(root, table) for split, table in tables.items()}
    return _Files(root, names, {split: table.sha256 for split, table in tables.items()}, {})


def _clean_copies(draft: Draft, path: Path) -> _Files:
    names = {
        split: f"{draft.name}_clean{'' if split == draft.pool else f'_{split}'}.csv"
        for split in draft.rows
    }
    columns = draft.tables[next(iter(draft.tables))].columns
    copies: dict[str, bytes] = {}
    for split, name in names.items():
        table = draft.tables.get(split)
        copies[name] = write_csv(table.columns if table else columns, draft.rows[split])
    sha256 = {split: sha256_bytes(copies[name]) for split, name in names.items()}
    return _Files(path.parent, names, sha256, copies)


def _all_below(root: Path, tables: Mapping[str, RawTable]) -> bool:
    base = root.resolve()
    return all(one.path and one.path.resolve().is_relative_to(base) for one in tables.values())


def _relative(root: Path, table: RawTable) -> str:
    return Path(table.place).resolve().relative_to(root.resolve()).as_posix()


def _write_new(path: Path, data: bytes) -> None:
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        raise _there_already(path) from None
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _there_already(path: Path) -> UserError:
    return UserError(
        "this file is there already, and nothing is overwritten",
        where=str(path),
        hint="choose another name with --name, or another place with --out",
    )

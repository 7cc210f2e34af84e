"""From settings to cells: everything that can be wrong is found here, before a model is loaded."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.core.types import Example
from harness.methods.spec import MethodSpec
from harness.models.catalog import ModelKind
from harness.prompting.calibration import CONTENT_FREE
from harness.prompts.template import PromptTemplate
from harness.runs.experiment import Experiment
from harness.runs.identity import cell_record, cell_seed, hash_examples, identity_of
from harness.runs.models import IdentityOf, PlannedModel, plan_models
from harness.runs.requests import Request, read_requests
from harness.store.manifest import CellRow, TaskRow
from harness.tasks.draws import Budget, Draw, draw, sample_test
from harness.tasks.kinds import KINDS
from harness.tasks.task import Task, task_of

NO_LABELS = Budget.parse("0")
Draws = Mapping[tuple[Budget, int], Draw]


@dataclasses.dataclass(frozen=True)
class PlannedTask:
    """A task and the test rows that every method of the run predicts."""

    task: Task
    test: tuple[Example, ...]

    @functools.cached_property
    def test_hash(self) -> str:
        """A hash over the test rows in their order, labels left out: every cell has it."""
        return hash_examples([example.without_target() for example in self.test])

    def row(self) -> TaskRow:
        """Returns the task as the manifest lists it."""
        task = self.task
        return TaskRow(
            name=task.name,
            version=task.version,
            kind=task.kind,
            data_hash=task.data_hash,
            labels=tuple(label.name for label in task.labels),
            out_of_scope=task.out_of_scope,
            test_rows=len(self.test),
            metrics=task.metrics or (),
            source=", ".join(f"{split}: {origin}" for split, origin in task.source.items()),
            majority=self._majority(),
        )

    def _majority(self) -> float | None:
        """Returns the accuracy in scope of always giving the pool's most frequent label.

        None where rows do not have one label each.
        """
        if self.task.rules.answer not in ("label", "choice"):
            return None
        pool = self.task.train or self.task.source_rows
        frequent = Counter(example.target for example in pool).most_common(1)
        in_scope = [row.target for row in self.test if row.target != self.task.out_of_scope]
        if not frequent or not in_scope:
            return 0.0
        return in_scope.count(frequent[0][0]) / len(in_scope)


@dataclasses.dataclass(frozen=True)
class PlannedCell:
    """One cell, ready to be computed.

    Attributes:
        row: The cell as the manifest lists it.
        record: What its identity is the hash of.
        planned: Its task and test rows.
        method: Its method with settings.
        train: The labelled examples of its draw.
        models: Its models; the one the method is about first.
        prompt: Its prompt, if it needs one.
        seed: The seed of everything random in it.
    """

    row: CellRow
    record: dict[str, Any]
    planned: PlannedTask
    method: MethodSpec
    train: tuple[Example, ...]
    models: tuple[PlannedModel, ...]
    prompt: PromptTemplate | None
    seed: int


@dataclasses.dataclass(frozen=True)
class Plan:
    """The tasks and cells of a run, in the order in which they are listed and computed."""

    experiment: Experiment
    tasks: tuple[PlannedTask, ...]
    cells: tuple[PlannedCell, ...]

    def distinct(self) -> list[PlannedCell]:
        """Returns the cells without those that come to the same as an earlier one."""
        first: dict[str, PlannedCell] = {}
        for cell in self.cells:
            first.setdefault(cell.row.identity, cell)
        return list(first.values())


def make_plan(experiment: Experiment, identity_of_model: IdentityOf) -> Plan:
    """Returns the cells of an experiment.

    Args:
        experiment: What is asked for.
        identity_of_model: Gives the identity of a model by kind and spec. A run fetches the
            model to know it; a dry run does not.

    Raises:
        UserError: A name, a setting, a file or a combination that cannot work.
    """
    asked = read_requests(experiment)
    data_dir = Path(experiment.data_dir).expanduser() if experiment.data_dir else None
    tasks = [_plan_task(experiment, task_of(file, data_dir=data_dir)) for file in asked.tasks]
    draws = {planned.task.name: _draw(experiment, planned.task, asked.methods) for planned in tasks}
    known = functools.cache(identity_of_model)
    models = {
        planned.task.name: {
            kind: plan_models(kind, specs, planned.task, known)
            for kind, specs in asked.models.items()
        }
        for planned in tasks
    }
    cells = [
        cell
        for planned in tasks
        for request in asked.methods
        for cell in _cells(
            experiment, planned, request, draws[planned.task.name],
            models=models[planned.task.name], prompts=asked.prompts[planned.task.name],
        )
    ]  # fmt: skip
    return Plan(experiment, tuple(tasks), tuple(cells))


def _draw(experiment: Experiment, task: Task, methods: Sequence[Request]) -> Draws:
    """Returns the draws that the methods of a run need, each made once."""
    needed = dict.fromkeys(key for request in methods for key in _draws_of(request))
    return {
        (budget, number): draw(task.train, task.labels, budget, seed=experiment.seed, draw=number)
        for budget, number in needed
    }


def _plan_task(experiment: Experiment, task: Task) -> PlannedTask:
    test = task.test
    if experiment.limit:
        test = sample_test(test, experiment.limit, seed=experiment.seed)
    return PlannedTask(task, tuple(test))


def _cells(
    experiment: Experiment,
    planned: PlannedTask,
    request: Request,
    draws: Draws,
    *,
    models: Mapping[ModelKind, Sequence[PlannedModel]],
    prompts: Sequence[PromptTemplate],
) -> Iterator[PlannedCell]:
    method = request.method
    for chosen in itertools.product(*(models[kind] for kind in method.models)):
        for prompt in prompts if "prompt" in method.uses else [None]:
            for budget, number in _draws_of(request):
                yield _cell(
                    experiment.seed, planned, method, models=chosen,
                    prompt=prompt, budget=budget, drawn=draws[budget, number], number=number,
                )  # fmt: skip


def _draws_of(request: Request) -> Iterator[tuple[Budget, int]]:
    """Yields the budgets of a method, each with the numbers of the draws that can differ."""
    uses = request.method.uses
    for budget in request.budgets if "labels" in uses else [NO_LABELS]:
        count = min(request.draws, budget.draws or request.draws)
        if budget.is_whole and "seed" in uses:
            count = request.draws
        yield from ((budget, number) for number in range(count))


def _cell(
    seed: int,
    planned: PlannedTask,
    method: MethodSpec,
    *,
    models: tuple[PlannedModel, ...],
    prompt: PromptTemplate | None,
    budget: Budget,
    drawn: Draw,
    number: int,
) -> PlannedCell:
    task = planned.task
    train = task.training_rows(budget, drawn)
    record = cell_record(
        spec=method,
        rules=task.rules,
        labels=task.labels,
        train=train,
        unlabelled=task.unlabelled_texts() if "unlabelled" in method.uses else (),
        test_hash=planned.test_hash,
        seed=cell_seed(seed, number),
        prompt=prompt,
        models={model.kind: model.identity for model in models},
    )
    row = CellRow(
        identity=identity_of(record),
        task=task.name,
        method=method.entry.name,
        settings=method.given,
        model=" + ".join(model.name for model in models),
        prompt=prompt.name if prompt else "",
        labels=str(budget),
        draw=number,
        train_rows=len(train),
        notes=(*_notes(task, train, drawn, budget), *_calibration_notes(task, method)),
    )
    return PlannedCell(row, record, planned, method, train, models, prompt, cell_seed(seed, number))


def _notes(task: Task, train: Sequence[Example], drawn: Draw, budget: Budget) -> tuple[str, ...]:
    notes = []
    if drawn.short:
        fewest = min(drawn.short.values())
        notes.append(
            f"{len(drawn.short)} of {len(task.labels)} labels have fewer than "
            f"{budget.count} {'target' if budget.source else 'training'} rows (fewest: {fewest})"
        )
    seen = {name for row in train for name in task.rules.classes(row)}
    unseen = len(task.labels) - len(seen) if KINDS.get(task.rules.name).has_classes else 0
    if train and unseen and not drawn.short:
        notes.append(f"{unseen} of {len(task.labels)} labels have no training row")
    return tuple(notes)


def _calibration_notes(task: Task, method: MethodSpec) -> tuple[str, ...]:
    if "test_inputs" in method.uses:
        return ("transductive: calibrated on the test inputs",)
    calibrated = {"unlabelled", "prompt"} <= set(method.uses)
    if calibrated and len(task.unlabelled_texts()) < len(CONTENT_FREE):
        return ("no unlabelled texts: calibrated on texts without content",)
    return ()

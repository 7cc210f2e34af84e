"""What an experiment asks for, checked from names alone: no data are read and no model is."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from harness.core.errors import UserError
from harness.methods import METHODS
from harness.methods.spec import MethodSpec, parse_method
from harness.metrics import metric_for
from harness.models import catalog
from harness.models.catalog import ModelKind
from harness.models.resolve import parse_model_flag
from harness.prompts.template import PromptTemplate, load_prompt
from harness.runs.experiment import Experiment, MethodRequest
from harness.tasks.definition import TaskFile, read_definition
from harness.tasks.draws import Budget, no_source_domain
from harness.tasks.kinds import KINDS
from harness.tasks.kinds.answered import TextKind

USUAL_BY_CLASS, USUAL_TOTAL = "8/class", "32"


@dataclasses.dataclass(frozen=True)
class Request:
    """A method that was asked for, with the budgets and draws it shall have."""

    method: MethodSpec
    budgets: tuple[Budget, ...]
    draws: int


@dataclasses.dataclass(frozen=True)
class Requests:
    """All that was asked for, matched with each other.

    Attributes:
        tasks: The task files.
        methods: The methods that each task shall have.
        prompts: The prompts of each task, by its name; none where no method uses one.
        models: What was written for the models of each kind that a method needs.
    """

    tasks: tuple[TaskFile, ...]
    methods: tuple[Request, ...]
    prompts: Mapping[str, Sequence[PromptTemplate]]
    models: Mapping[ModelKind, Sequence[str]]


def read_requests(experiment: Experiment) -> Requests:
    """Returns what an experiment asks for.

    Raises:
        UserError: A name, a setting or a combination that cannot work.
    """
    tasks = [read_definition(name, experiment.set) for name in dict.fromkeys(experiment.task)]
    _refuse_namesakes("tasks", [task.name for task in tasks], "--task")
    methods = _methods(experiment, tasks)
    for task in tasks:
        for metric in task.definition.metrics or ():
            metric_for(
                task.rules.name,
                metric,
                scope=task.rules.out_of_scope is not None,
                where=task.yaml.where(("metrics",)),
            )
    return Requests(
        tasks=tuple(tasks),
        methods=tuple(methods),
        prompts={task.name: _prompts(experiment, task, methods) for task in tasks},
        models=_models(experiment, methods),
    )


def _methods(experiment: Experiment, tasks: Sequence[TaskFile]) -> list[Request]:
    kinds = {task.definition.kind for task in tasks}
    asked = experiment.method or [
        MethodRequest(use=entry.name) for entry in METHODS if kinds <= set(entry.kinds)
    ]
    return [_request(experiment, request, tasks) for request in asked]


def _request(experiment: Experiment, request: MethodRequest, tasks: Sequence[TaskFile]) -> Request:
    method = _method(request.use, chat=experiment.chat)
    for task in tasks:
        _check_kind(method, task)
        _check_constraint(method, task)
    written = request.labels or experiment.labels or [_usual_budget(tasks)]
    budgets = tuple(Budget.parse(text) for text in written)
    for budget in budgets if "labels" in method.uses else ():
        _check_budget(budget, tasks)
    if "labels" in method.uses and any(str(budget) == "0" for budget in budgets):
        raise UserError(
            f"{method.entry.name} learns from labels, and a label budget is 0",
            where="--labels",
            expected="at least one label",
            hint="a method that uses no labels has its row at 0 whatever the budgets",
        )
    return Request(method, budgets, request.draws or experiment.draws)


def _method(text: str, *, chat: bool) -> MethodSpec:
    """Reads a method; one that prompts holds conversations where the run does."""
    method = parse_method(text, where="--method")
    if chat and "prompt" in method.uses:
        return parse_method(text, where="--method", otherwise={"chat": "true"})
    return method


def _check_kind(method: MethodSpec, task: TaskFile) -> None:
    kind = task.definition.kind
    if kind not in method.entry.kinds:
        able = [entry.name for entry in METHODS if kind in entry.kinds]
        raise UserError(
            f"{method.entry.name} cannot do the task {task.name!r}, whose kind is {kind}",
            where="--method",
            expected=f"one of {', '.join(able)}" if able else "a task of another kind",
        )


def _check_constraint(method: MethodSpec, task: TaskFile) -> None:
    """Refuses answers constrained to a list that the task does not have."""
    rules = task.rules
    constrained = method.settings.get("constrained")
    if constrained and isinstance(rules, TextKind) and not rules.can_constrain:
        raise UserError(
            f"{method.entry.name}:constrained=true needs a list of allowed answers",
            where=task.yaml.where(),
            expected="a key `answers:` in the task YAML",
        )


def _usual_budget(tasks: Sequence[TaskFile]) -> str:
    """Returns the label budget of a run that names none."""
    return USUAL_BY_CLASS if all(map(_has_classes, tasks)) else USUAL_TOTAL


def _check_budget(budget: Budget, tasks: Sequence[TaskFile]) -> None:
    for task in tasks:
        if budget.source and not task.definition.has_source_domain:
            raise no_source_domain(task.name, budget)
        if budget.kind == "class" and not _has_classes(task):
            raise UserError(
                f"the rows of the task {task.name!r} fall into no classes: its kind is "
                f"{task.rules.name}",
                where="--labels",
                found=str(budget),
                expected="a number of rows, such as 32, or all",
            )


def _has_classes(task: TaskFile) -> bool:
    return KINDS.get(task.rules.name).has_classes


def _prompts(
    experiment: Experiment, task: TaskFile, requests: Sequence[Request]
) -> list[PromptTemplate]:
    if not any("prompt" in request.method.uses for request in requests):
        return []
    own = task.definition.prompt
    names = experiment.prompt or ([own] if own else [])
    if not names:
        raise UserError(
            f"the task {task.name!r} names no prompt",
            where=task.yaml.where(),
            expected="a key `prompt:`, or the flag --prompt",
            hint="harness prompts list",
        )
    prompts = [load_prompt(name) for name in dict.fromkeys(names)]
    _refuse_namesakes("prompts", [prompt.name for prompt in prompts], "--prompt")
    for prompt in prompts:
        check_prompt(prompt, task, where="--prompt")
    return prompts


def check_prompt(prompt: PromptTemplate, task: TaskFile, *, where: str) -> None:
    """Makes sure that a prompt fits a task: its kind, and the fields it has.

    Raises:
        UserError: It does not; ``where`` is the flag, or the place of the key, that names it.
    """
    if task.definition.kind not in prompt.kinds:
        raise UserError(
            f"the prompt {prompt.name!r} does not fit the task {task.name!r}",
            where=where,
            found=f"a prompt for {', '.join(prompt.kinds)}",
            expected=f"one for {task.definition.kind}",
        )
    prompt.check_variables(sorted(task.rules.variables()))


def _models(experiment: Experiment, requests: Sequence[Request]) -> dict[ModelKind, list[str]]:
    """Returns the models of each kind that a method needs: those given, else the default."""
    given: dict[str, list[str]] = {}
    for kind, spec in map(parse_model_flag, dict.fromkeys(experiment.model)):
        given.setdefault(kind, []).append(spec)
    needed = dict.fromkeys(kind for request in requests for kind in request.method.models)
    return {kind: given.get(kind) or [catalog.default(kind).name] for kind in needed}


def _refuse_namesakes(what: str, names: Sequence[str], where: str) -> None:
    """Refuses what tables could not tell apart."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(
            f"two {what} have the same name",
            where=where,
            found=twice[0],
            expected="names that differ",
            hint="rename one of the files, or make a run of its own for each",
        )

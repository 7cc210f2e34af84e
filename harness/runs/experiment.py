"""What a run is asked to do: the flags of ``harness run``, which are the keys of its YAML."""

from __future__ import annotations

import dataclasses
import functools
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from harness.core.errors import UserError
from harness.core.lookup import find
from harness.core.schema import FieldPath, FieldProblem, Located
from harness.core.yaml import YamlModel, load_yaml, validate
from harness.methods.spec import parse_method
from harness.models.resolve import check_spec, parse_model_flag
from harness.tasks.draws import Budget

DEFAULT_DRAWS = 3


def _can(read: Callable[[str], object]) -> AfterValidator:
    """Returns a validator: ``read`` can make something of the text, which stays as it is."""

    def check(text: str) -> str:
        try:
            with warnings.catch_warnings(action="ignore"):  # the plan reads it again and warns
                read(text)
        except UserError as error:
            problem = f"{error.where}: {error.problem}" if error.where else error.problem
            raise FieldProblem(
                problem,
                found=text if error.found is None else error.found,
                expected=error.expected,
                hint=error.hint,
            ) from None
        return text

    return AfterValidator(check)


def _read_model(flag: str) -> None:
    kind, spec = parse_model_flag(flag, where=None)
    check_spec(spec, kind)


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str | dict) else value


def _split_commas(value: Any) -> Any:
    parts = _as_list(value)
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        return parts
    return [piece.strip() for part in parts for piece in part.split(",") if piece.strip()]


TaskName = Annotated[str, _can(functools.partial(find, folder="tasks"))]
PromptName = Annotated[str, _can(functools.partial(find, folder="prompts"))]
ModelFlag = Annotated[str, _can(_read_model)]
MethodText = Annotated[str, _can(parse_method)]
Budgets = Annotated[
    list[Annotated[str, _can(Budget.parse)]], BeforeValidator(_split_commas), Field(min_length=1)
]


class MethodRequest(YamlModel):
    """A method with settings, and what shall be otherwise for it than for the others."""

    use: MethodText = Field(description="A method's name, with settings if any: few_shot:k=4.")
    labels: Budgets | None = Field(default=None, description="Its label budgets.")
    draws: int | None = Field(default=None, ge=1, description="How many draws of each.")


def _as_requests(value: Any) -> Any:
    parts = _as_list(value)
    if not isinstance(parts, list):
        return parts
    return [{"use": part} if isinstance(part, str) else part for part in parts]


class Experiment(YamlModel):
    """The keys of an experiment YAML."""

    task: Annotated[list[TaskName], BeforeValidator(_as_list)] = Field(
        min_length=1, description="Names or paths of tasks."
    )
    set: Annotated[list[str], BeforeValidator(_as_list)] = Field(
        default=[], description="Keys of the task YAMLs to set, such as splits.test=0.3."
    )
    method: Annotated[list[MethodRequest], BeforeValidator(_as_requests)] = Field(
        default=[], description="Methods; absent means every method that can do the task."
    )
    model: Annotated[list[ModelFlag], BeforeValidator(_as_list)] = Field(
        default=[], description="causal_lm:MODEL or encoder:MODEL."
    )
    prompt: Annotated[list[PromptName], BeforeValidator(_as_list)] = Field(
        default=[], description="Prompts; absent means the task's own."
    )
    chat: bool = Field(
        default=False, description="Prompts as conversations, where a method says nothing else."
    )
    labels: Budgets | None = Field(
        default=None,
        description="Label budgets: 8/class, 100, all, rows:FILE.json; of a task with two domains "
        "also source, source+8/class, source+all; absent: 8/class, or 32 where rows fall into no "
        "classes.",
    )
    draws: int = Field(default=DEFAULT_DRAWS, ge=1, description="Draws of each label budget.")
    limit: int | None = Field(default=None, ge=1, description="Test rows at most, a seeded sample.")
    seed: int = Field(default=0, ge=0, description="The seed of everything random.")
    keep_models: bool = Field(default=False, description="Keep the model that each cell trains.")
    out: str | None = Field(default=None, description="The run's folder.")
    data_dir: str | None = Field(default=None, description="Where data files are looked up first.")

    @property
    def run_dir(self) -> Path:
        """The run's folder: as given, else ``results/`` and the names of the tasks."""
        named = "+".join(_task_name(Path(name)) for name in self.task)
        return Path(self.out).expanduser() if self.out else Path("results") / named

    def describe(self) -> dict[str, Any]:
        """Returns the settings for the manifest, as JSON."""
        return self.model_dump(mode="json", exclude_none=True)


@dataclasses.dataclass(frozen=True)
class _Asked(Located):
    """An experiment YAML with flags laid over it; says in which of both a value stood."""

    flags: frozenset[str]

    def where(self, field: FieldPath = ()) -> str:
        """Returns the flag, or file, line and field."""
        if field and field[0] in self.flags:
            return f"--{str(field[0]).replace('_', '-')}"
        return super().where(field)


def read_experiment(path: Path | None, flags: dict[str, Any]) -> Experiment:
    """Returns the settings of an experiment YAML, with those given as flags in their place.

    Args:
        path: The YAML, or None where flags alone say what to do.
        flags: Values by key; None and empty ones were not given.

    Raises:
        UserError: A key or value does not fit, or there is no task.
    """
    yaml = _load(path) if path else Located(Path("harness run"), {}, {}, frozenset())
    given = {key: value for key, value in flags.items() if value not in (None, (), [])}
    given = {
        key: list(value) if isinstance(value, tuple) else value for key, value in given.items()
    }
    if "task" not in {**yaml.data, **given}:
        raise UserError(
            "which task?",
            where=yaml.where(("task",)) if path else "--task",
            expected="the name of a task, or the path of a task YAML",
            hint="harness tasks list",
        )
    empty = frozenset(field for field in yaml.empty if field[0] not in given)
    asked = _Asked(yaml.path, {**yaml.data, **given}, yaml.lines, empty, frozenset(given))
    experiment = validate(Experiment, asked)
    for folder in (experiment.run_dir, *experiment.run_dir.parents):
        if folder.exists() and not folder.is_dir():
            raise UserError(
                "the run's folder cannot be made here",
                where=asked.where(("out",)),
                found=f"the file {folder}",
                expected="a folder, or a path where none stands yet",
            )
    return experiment


def _load(path: Path) -> Located:
    if not path.is_file():
        raise UserError(
            "there is no such file",
            where=str(path),
            expected="an experiment YAML",
            hint="to run a task by name, write --task NAME",
        )
    return load_yaml(path)


def _task_name(path: Path) -> str:
    if path.name == "task.yaml":
        return path.absolute().parent.name
    return path.stem if path.suffix in (".yaml", ".yml") else path.absolute().name

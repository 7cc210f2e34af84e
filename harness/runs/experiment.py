"""What a run is asked to do: the flags of ``harness run``, which are the keys of its YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from harness.core.errors import UserError
from harness.core.yaml import YamlModel, load_yaml, validate

DEFAULT_LABELS = ["8/class"]
DEFAULT_DRAWS = 3


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str | dict) else value


def _split_commas(value: Any) -> Any:
    parts = _as_list(value)
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        return parts
    return [piece.strip() for part in parts for piece in part.split(",") if piece.strip()]


Names = Annotated[list[str], BeforeValidator(_as_list)]
Budgets = Annotated[list[str], BeforeValidator(_split_commas), Field(min_length=1)]


class MethodRequest(YamlModel):
    """A method with settings, and what shall be otherwise for it than for the others."""

    use: str = Field(description="A method's name, with settings if any: few_shot:k=4.")
    labels: Budgets | None = Field(default=None, description="Its label budgets.")
    draws: int | None = Field(default=None, ge=1, description="How many draws of each.")


def _as_requests(value: Any) -> Any:
    parts = _as_list(value)
    if not isinstance(parts, list):
        return parts
    return [{"use": part} if isinstance(part, str) else part for part in parts]


class Experiment(YamlModel):
    """The keys of an experiment YAML."""

    task: Names = Field(min_length=1, description="Names or paths of tasks.")
    method: Annotated[list[MethodRequest], BeforeValidator(_as_requests)] = Field(
        default=[], description="Methods; absent means every method that can do the task."
    )
    model: Names = Field(default=[], description="causal_lm:MODEL or encoder:MODEL.")
    prompt: Names = Field(default=[], description="Prompts; absent means the task's own.")
    labels: Budgets = Field(
        default=DEFAULT_LABELS, description="Label budgets: 8/class, 100, all, rows:FILE.json."
    )
    draws: int = Field(default=DEFAULT_DRAWS, ge=1, description="Draws of each label budget.")
    limit: int | None = Field(default=None, ge=1, description="Test rows at most, a seeded sample.")
    seed: int = Field(default=0, ge=0, description="The seed of everything random.")
    out: str | None = Field(default=None, description="The run's folder.")
    data_dir: str | None = Field(default=None, description="Where data files are looked up first.")

    @property
    def run_dir(self) -> Path:
        """The run's folder: as given, else ``results/`` and the names of the tasks."""
        named = "+".join(Path(name).stem if name != "task.yaml" else name for name in self.task)
        return Path(self.out) if self.out else Path("results") / named

    def describe(self) -> dict[str, Any]:
        """Returns the settings for the manifest, as JSON."""
        return self.model_dump(mode="json", exclude_none=True)


def read_experiment(path: Path | None, flags: dict[str, Any]) -> Experiment:
    """Returns the settings of an experiment YAML, with those given as flags in their place.

    Args:
        path: The YAML, or None where flags alone say what to do.
        flags: Values by key; None and empty ones were not given.

    Raises:
        UserError: A key or value does not fit, or there is no task.
    """
    given = {key: value for key, value in flags.items() if value not in (None, (), [])}
    given = {
        key: list(value) if isinstance(value, tuple) else value for key, value in given.items()
    }
    base = _from_yaml(path).model_dump() if path else {}
    merged = {**base, **given}
    if "task" not in merged:
        raise UserError(
            "which task?",
            where="--task",
            expected="the name of a task, or the path of a task YAML",
            hint="harness tasks list",
        )
    return Experiment.model_validate(merged)


def _from_yaml(path: Path) -> Experiment:
    if not path.is_file():
        raise UserError(
            "there is no such file",
            where=str(path),
            expected="an experiment YAML",
            hint="to run a task by name, write --task NAME",
        )
    return validate(Experiment, load_yaml(path))

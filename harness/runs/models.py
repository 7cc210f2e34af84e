"""The models of a run: planned by identity, and made from others where a spec says so."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.models.catalog import ModelKind
from harness.models.derived import Derived, hash_texts
from harness.models.meter import Meter
from harness.models.resolve import ResolvedModel, check_spec
from harness.models.room import ModelRoom
from harness.tasks.task import Task
from harness.training.deriving import derive

IdentityOf = Callable[[str, str], str]


@dataclasses.dataclass(frozen=True)
class PlannedModel:
    """A model of the run: its kind, what the user wrote, its identity, its name in tables."""

    kind: ModelKind
    spec: str
    identity: str
    name: str


def plan_models(
    kind: ModelKind, specs: Sequence[str], task: Task, identity_of_model: IdentityOf
) -> list[PlannedModel]:
    """Returns the models of a kind as a task has them.

    Folders of one name are told apart by their paths; a model that is adapted is another for each
    task.
    """
    identities = Identities(kind, task, identity_of_model)
    names = [_short_name(spec, kind) for spec in specs]
    return [
        PlannedModel(
            kind, spec, identities.of(spec), name if names.count(name) == 1 else spec
        )
        for spec, name in zip(specs, names, strict=True)
    ]  # fmt: skip


class Identities:
    """The identities of models as a task has them, with those that are made from others.

    Args:
        kind: How the models are used.
        task: Whose unlabelled texts they are adapted on.
        identity_of_model: Gives the identity of a model that is there as it is.
    """

    def __init__(self, kind: ModelKind, task: Task, identity_of_model: IdentityOf) -> None:
        self.kind = kind
        self.task = task
        self.identity_of_model = identity_of_model

    def of(self, spec: str) -> str:
        """Returns the identity of a model."""
        derived = _derived(spec, self.kind)
        if derived is None:
            return self.identity_of_model(spec, self.kind)
        texts = self._texts_hash if derived.uses_texts else ""
        return derived.identity(self.of(derived.base), self.kind, texts)

    @functools.cached_property
    def _texts_hash(self) -> str:
        return hash_texts(unlabelled_texts(self.task))


def ready_model(
    planned: PlannedModel, task: Task, room: ModelRoom, meter: Meter
) -> str | ResolvedModel:
    """Returns what a room takes for a planned model, made where it is to be made from another.

    What making it cost is charged to every cell that uses it.

    Raises:
        HarnessError: It cannot be made.
    """
    derived = _derived(planned.spec, planned.kind)
    return _make(planned.spec, planned.kind, task, room, meter) if derived else planned.spec


def _make(spec: str, kind: ModelKind, task: Task, room: ModelRoom, meter: Meter) -> ResolvedModel:
    derived = _derived(spec, kind)
    if derived is None:
        return room.resolved(spec, kind)
    base = _make(derived.base, kind, task, room, meter)
    texts = unlabelled_texts(task) if derived.uses_texts else []
    identity = derived.identity(base.identity, kind, hash_texts(texts) if texts else "")
    with meter.outputs():
        name = _short_name(spec, kind)
        made = room.once(
            identity, lambda: derive(base, derived, texts, identity=identity, name=name)
        )
    meter.charged[identity.encode()] = made.cost
    for note in made.notes:
        meter.note(note)
    return made.model


def is_derived(planned: PlannedModel) -> bool:
    """Returns whether a planned model is made from another."""
    return _derived(planned.spec, planned.kind) is not None


def unlabelled_texts(task: Task) -> list[str]:
    """Returns the texts that a model is adapted on: unlabelled, in order, none of a test row."""
    return [task.text(example) for example in task.unlabelled_texts()]


def _derived(spec: str, kind: str) -> Derived | None:
    source = check_spec(spec, kind)
    return source if isinstance(source, Derived) else None


def _short_name(spec: str, kind: str) -> str:
    derived = _derived(spec, kind)
    if derived:
        return derived.spell(_short_name(derived.base, kind))
    path = Path(spec).expanduser()
    return path.resolve().name if path.is_dir() else spec

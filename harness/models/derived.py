"""Models made from others, as users write them: ``adapted(all-minilm-l6-v2,epochs=2)``."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from harness.core.cache import cache_dir
from harness.core.errors import UserError, unknown_name
from harness.core.files import hash_json
from harness.core.settings import construct, read_pairs, settings, spell_changed, stored
from harness.models.device import numerics

DERIVING_VERSION = 5
WRITTEN = re.compile(r"(?P<way>\w+)\((?P<inside>.*)\)", re.DOTALL)
Objective = Literal["simcse", "masked_lm", "causal_lm"]


@settings
class FromScratch:
    """The same network with random weights, which has learnt nothing."""

    seed: Annotated[int, Field(ge=0, lt=2**32, description="of the random weights")] = 0


@settings
class Adapted:
    """Pre-trained further on the task's unlabelled texts, no test row among them."""

    objective: Annotated[
        Objective | None,
        Field(
            description="simcse: unsupervised SimCSE; masked_lm: words are hidden and found; "
            "causal_lm: each word from those before it. Absent: simcse for an encoder, causal_lm "
            "for a causal LM"
        ),
    ] = None
    epochs: Annotated[int, Field(gt=0, description="passes over the texts")] = 1
    min_steps: Annotated[int, Field(ge=0, description="optimiser steps, at least")] = 50
    batch_size: Annotated[int, Field(gt=1, description="texts a step")] = 32
    learning_rate: Annotated[
        float | None,
        Field(gt=0, description="peak rate; absent: 1e-5 for simcse, 3e-5 where words are learnt"),
    ] = None
    temperature: Annotated[
        float, Field(gt=0, description="simcse: what cosines are divided by")
    ] = 0.05
    seed: Annotated[int, Field(ge=0, lt=2**32, description="of dropout and the order")] = 0


FROM_SCRATCH = "from_scratch"
WAYS: dict[str, type[FromScratch | Adapted]] = {FROM_SCRATCH: FromScratch, "adapted": Adapted}


@dataclasses.dataclass(frozen=True, slots=True)
class Derived:
    """A model made from another.

    Attributes:
        way: A key of :data:`WAYS`.
        base: What the user wrote for the other one.
        settings: How it is made.
    """

    way: str
    base: str
    settings: FromScratch | Adapted

    @property
    def uses_texts(self) -> bool:
        """Whether it depends on the task's unlabelled texts."""
        return isinstance(self.settings, Adapted)

    def check(self, kind: str, *, where: str | None = None) -> None:
        """Refuses an objective that a kind of model does not have.

        Raises:
            UserError: The kind has others.
        """
        objective = self.settings.objective if isinstance(self.settings, Adapted) else None
        if kind == "causal_lm" and objective not in (None, "causal_lm"):
            raise UserError(
                f"a causal LM is not adapted by the objective {objective!r}",
                where=where,
                found=self.spell(self.base),
                expected="objective=causal_lm, or none",
            )

    def spell(self, base: str) -> str:
        """Returns it as users write it, with another name for its base."""
        given = spell_changed(self.settings)
        return f"{self.way}({base},{given})" if given else f"{self.way}({base})"

    def identity(self, base_identity: str, kind: str, texts_hash: str) -> str:
        """Returns what changes when the model does: what it is made from, how, and where.

        Args:
            base_identity: The identity of the model that it is made from.
            kind: ``causal_lm`` or ``encoder``.
            texts_hash: A hash over the task's unlabelled texts.
        """
        made = {
            "version": DERIVING_VERSION,
            "way": self.way,
            "settings": stored(self.settings),
            "base": base_identity,
            "kind": kind,
            "texts": texts_hash if self.uses_texts else None,
            "numerics": numerics(),
        }
        if kind == "encoder":
            made["sentence-transformers"] = version("sentence-transformers")
        return f"{self.way}:{hash_json(made)}"


def is_from_scratch(identity: str) -> bool:
    """Returns whether the model of an identity has learnt nothing: its weights are random."""
    return identity.startswith(f"{FROM_SCRATCH}:")


def parse_derived(spec: str, *, where: str | None = None) -> Derived | None:
    """Returns what a spec such as ``adapted(MODEL,epochs=2)`` says; None where it is none.

    Raises:
        UserError: There is no such way or setting, or a value does not fit.
    """
    written = WRITTEN.fullmatch(spec.strip())
    if written is None:
        return None
    way = written["way"]
    if way not in WAYS:
        raise unknown_name("way to make a model from another", way, WAYS, where=where)
    base, *parts = _parts(written["inside"])
    raw = read_pairs(parts, where=where, example=f"{way}({base},seed=1)")
    made = construct(WAYS[way], raw, owner=f"the model {way}(…)", where=where)
    return Derived(way, base.strip(), made)


def base_of(spec: str) -> str:
    """Returns what a model is made from in the end; of one that is not, the model itself."""
    derived = parse_derived(spec)
    return base_of(derived.base) if derived else spec


def hash_texts(texts: Sequence[str]) -> str:
    """Returns a hash over texts in their order."""
    return hash_json(list(texts))


def derived_folder(identity: str) -> Path:
    """Returns where a model made from another is kept, by its identity."""
    return cache_dir() / "models" / identity.replace(":", "-")[:40]


def _parts(inside: str) -> Iterator[str]:
    """Yields what stands between the commas that stand in no brackets."""
    depth, part = 0, ""
    for sign in inside:
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "," and depth == 0:
            yield part
            part = ""
        else:
            part += sign
    yield part

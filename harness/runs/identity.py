"""A cell's identity: everything that can change its predictions, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from harness.core.files import hash_json, sha256_bytes
from harness.core.types import Example, Label
from harness.methods.spec import MethodSpec
from harness.models.causal_lm import GENERATION_VERSION, SCORING_VERSION
from harness.models.device import numerics
from harness.models.encoder import ENCODING_VERSION
from harness.prompts.template import PromptTemplate
from harness.tasks.kinds.base import Kind

RECORD_FORMAT = 2
IDENTITY_DIGITS = 24


def cell_record(
    *,
    spec: MethodSpec,
    rules: Kind[Any, Any],
    labels: Sequence[Label],
    train: Sequence[Example],
    test_hash: str,
    seed: int,
    prompt: PromptTemplate | None,
    models: Mapping[str, str],
    unlabelled: Sequence[Example] = (),
) -> dict[str, Any]:
    """Returns what a cell is made of; what its method declares unused is left out.

    Args:
        spec: The method and its settings.
        rules: The task's kind, and what of its YAML can change a prediction.
        labels: The task's labels, in order.
        train: The labelled examples of the draw, in order.
        test_hash: :func:`hash_examples` of the test rows without their labels.
        seed: The seed of the cell.
        prompt: The prompt template, for a method that uses one.
        models: The identity of each kind of model that the method needs.
        unlabelled: The unlabelled examples, for a method that uses them.
    """
    depends: dict[str, Any] = {
        "labels": {"train": hash_examples(train)},
        "unlabelled": {"unlabelled": hash_examples(unlabelled)},
        "test_inputs": {},  # every cell has the test rows
        "seed": {"seed": seed},
        "label_words": {"label_words": [[one.verbalizer, one.description] for one in labels]},
        "prompt": {"prompt": prompt.content_hash if prompt else None},
    }
    record: dict[str, Any] = {
        "format": RECORD_FORMAT,
        "kind": rules.name,
        "rules": rules.shaping(),
        **_of_method(spec),
        "labels": [label.name for label in labels],
        "test": test_hash,
    }
    for use in spec.uses:
        record |= depends[use]
    if models:
        made_by = {kind: _outputs_made_by(kind, rules) for kind in models}
        record |= {"models": dict(models), "outputs": made_by, "numerics": numerics()}
    return record


def _of_method(spec: MethodSpec) -> dict[str, Any]:
    """Returns a method's name, versions and settings, and the libraries that may change it."""
    parts = {"parts": spec.parts} if spec.parts else {}
    return {
        "method": spec.entry.name,
        "method_version": spec.entry.version,
        "settings": spec.settings,
        "libraries": {name: version(name) for name in spec.entry.libraries},
        **parts,
    }


def _outputs_made_by(kind: str, rules: Kind[Any, Any]) -> dict[str, Any]:
    """Returns the version of our own code that runs a model, and of the library below it."""
    if kind == "encoder":
        library = "sentence-transformers"
        return {"encoding": ENCODING_VERSION, library: version(library)}
    writing = {"generation": GENERATION_VERSION} if rules.answer == "text" else {}
    return {"scoring": SCORING_VERSION, **writing}


def identity_of(record: dict[str, Any]) -> str:
    """Returns the identity: a hash of the record, the name of the cell's folder."""
    return hash_json(record)[:IDENTITY_DIGITS]


def hash_examples(examples: Sequence[Example]) -> str:
    """Returns a hash over the rows in their order: numbers, fields in theirs, targets, choices."""
    return hash_json(
        [
            [example.row, list(example.fields.items()), example.target, *example.choices]
            for example in examples
        ]
    )


def cell_seed(seed: int, draw: int) -> int:
    """Returns the seed of everything random in a draw, 31 bits, the same for every method."""
    return int(sha256_bytes(f"cell:{seed}:{draw}".encode())[:8], 16) & 0x7FFFFFFF

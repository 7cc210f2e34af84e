"""Models made from others: made once, kept in the cache as any model is, shared by all cells."""

from __future__ import annotations

import dataclasses
import shutil
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock

from harness.core.errors import HarnessError
from harness.core.files import (
    atomic_folder,
    atomic_write,
    pretty_json,
    read_json,
    remove_unfinished,
    sha256_file,
    sha256_folder,
)
from harness.core.types import Cost
from harness.models.causal_lm import load_causal_lm
from harness.models.derived import Adapted, Derived, derived_folder
from harness.models.embedding_tables import places_of
from harness.models.encoder import load_encoder, save_encoder, token_limit
from harness.models.outputs import DamagedFileWarning
from harness.models.quiet import quiet_transformers
from harness.models.resolve import ResolvedModel
from harness.training.adaptation import adapt_by_simcse, adapt_language_model
from harness.training.attempts import Attempt, attempt, save_memory
from harness.training.backbone import Backbone
from harness.training.loop import Recipe, seeded
from harness.training.weights import transformer_of

MARKER = "derived.json"
CAUSAL_LM_TOKENS = 512
"""Tokens of a text that a causal LM is adapted on, at most."""
SIMCSE_RATE = 1e-5
"""Three times as much makes an encoder worse for few labels, measured on training pools."""
WORDS_RATE = 3e-5


@dataclasses.dataclass(frozen=True, slots=True)
class Made:
    """A model made from another.

    Attributes:
        model: The model, ready to be loaded.
        cost: What making it cost.
        notes: What a reader of its numbers should know.
    """

    model: ResolvedModel
    cost: Cost
    notes: tuple[str, ...]


def derive(
    base: ResolvedModel, derived: Derived, texts: Sequence[str], *, identity: str, name: str
) -> Made:
    """Returns the model that a spec says to make from another, made where it is not there yet.

    Args:
        base: The model that it is made from.
        derived: How it is made.
        texts: The task's unlabelled texts.
        identity: :meth:`.Derived.identity` of it.
        name: Its name in tables.

    Raises:
        HarnessError: It cannot be made: there are no texts, the model has no such objective, or
            training diverged.
    """
    folder = derived_folder(identity)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not _is_whole(folder, identity):
            if folder.exists():
                message = f"{name}: files in {folder} were altered or lost; it is made again"
                warnings.warn(message, DamagedFileWarning, stacklevel=2)
            shutil.rmtree(folder, ignore_errors=True)
            remove_unfinished(folder)
            with atomic_folder(folder) as aside:
                _make(base, derived, texts, aside, identity)
        made = read_json(folder / MARKER)
    model = dataclasses.replace(
        base, spec=derived.spell(base.spec), name=name, folder=folder, identity=identity
    )
    return Made(model, Cost(made["seconds"], made["tokens"]), tuple(made["notes"]))


def _make(
    base: ResolvedModel, derived: Derived, texts: Sequence[str], folder: Path, identity: str
) -> None:
    notes: list[str] = []
    started = time.perf_counter()
    if isinstance(derived.settings, Adapted):
        how = derived.settings
        if len(texts) < 2:
            raise HarnessError(
                f"there are {len(texts)} unlabelled texts to adapt {base.name} on; it takes two "
                "or more"
            )
        adapt = _adapt_encoder if base.kind == "encoder" else _adapt_causal_lm
        tokens = attempt(lambda now: adapt(base, how, texts, now, folder), notes.append)
    else:
        tokens = _start_anew(base, derived.settings.seed, folder)
    marker = {
        "identity": identity,
        "made_from": base.identity,
        "spec": derived.spell(base.spec),
        "texts": len(texts) if derived.uses_texts else 0,
        "seconds": time.perf_counter() - started,
        "tokens": tokens,
        "notes": notes,
        "files": sha256_folder(folder),
    }
    atomic_write(folder / MARKER, pretty_json(marker))


def _is_whole(folder: Path, identity: str) -> bool:
    """Returns whether a model is there and its files are what was written."""
    try:
        marker = read_json(folder / MARKER)
        files = marker["files"]
        whole = all(sha256_file(folder / path) == sha256 for path, sha256 in files.items())
        return whole and marker["identity"] == identity
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _recipe(how: Adapted, now: Attempt, *, rate: float) -> Recipe:
    """Returns how to train, at a peak rate that the user may have set."""
    return Recipe(
        epochs=how.epochs,
        min_steps=how.min_steps,
        batch_size=how.batch_size,
        learning_rate=now.rate * (how.learning_rate or rate),
    )


def _adapt_encoder(
    base: ResolvedModel, how: Adapted, texts: Sequence[str], now: Attempt, folder: Path
) -> int:
    encoder = load_encoder(base.folder)
    transformer = transformer_of(encoder)
    if how.objective in (None, "simcse"):
        save_memory(transformer, now)
        backbone = Backbone(encoder)
        recipe = _recipe(how, now, rate=SIMCSE_RATE)
        adapt_by_simcse(backbone, texts, recipe=recipe, temperature=how.temperature, seed=how.seed)
        tokens = backbone.tokens_run
    else:
        with seeded(how.seed):  # where the checkpoint has no head that finds words, it is new
            model = _with_words(transformer, masked=how.objective == "masked_lm")
        save_memory(model, now)
        tokens = _adapt_words(
            model, encoder.tokenizer, texts, how, now, token_limit(encoder),
        )  # fmt: skip
        _take_weights(transformer, model.base_model)
    save_encoder(encoder, folder)
    return tokens


def _adapt_causal_lm(
    base: ResolvedModel, how: Adapted, texts: Sequence[str], now: Attempt, folder: Path
) -> int:
    model, tokenizer = load_causal_lm(base.folder), _tokenizer(base)
    save_memory(model, now)
    limit = min(CAUSAL_LM_TOKENS, places_of(model) or CAUSAL_LM_TOKENS)
    tokens = _adapt_words(model, tokenizer, texts, how, now, limit)
    _save_causal_lm(model, tokenizer, folder)
    return tokens


def _adapt_words(
    model: Any, tokenizer: Any, texts: Sequence[str], how: Adapted, now: Attempt, limit: int
) -> int:
    masked = how.objective == "masked_lm"
    if masked and tokenizer.mask_token_id is None:
        raise HarnessError(
            f"a {type(model).__name__} has no token that hides a word\n"
            "  hint:     adapted(MODEL,objective=simcse)"
        )
    recipe = _recipe(how, now, rate=WORDS_RATE)
    return adapt_language_model(
        model, tokenizer, texts, masked=masked, limit=limit, recipe=recipe, seed=how.seed
    )


def _with_words(transformer: Any, *, masked: bool) -> Any:
    """Returns the transformer of an encoder with a head that says words.

    Raises:
        HarnessError: transformers has none for its architecture.
    """
    from transformers import MODEL_FOR_MASKED_LM_MAPPING, AutoModelForCausalLM, AutoModelForMaskedLM

    kind = AutoModelForMaskedLM if masked else AutoModelForCausalLM
    try:
        if not masked and type(transformer.config) in MODEL_FOR_MASKED_LM_MAPPING:
            raise ValueError("it sees the words that come after, so there is nothing to say")
        with quiet_transformers():
            model = kind.from_pretrained(
                transformer.name_or_path,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                dtype=transformer.dtype,
            )
    except ValueError:
        raise HarnessError(
            f"a {type(transformer).__name__} cannot be adapted by "
            f"the objective {'masked_lm' if masked else 'causal_lm'}\n"
            "  hint:     adapted(MODEL,objective=simcse)"
        ) from None
    _take_weights(model.base_model, transformer)
    return model.to(transformer.device)


def _take_weights(model: Any, other: Any) -> None:
    """Gives a network the weights of another of its kind; either may lack the pooler.

    Raises:
        HarnessError: They are not of a kind.
    """
    missing, unknown = model.load_state_dict(other.state_dict(), strict=False)
    odd = [name for name in (*missing, *unknown) if not name.startswith("pooler.")]
    if odd:
        raise HarnessError(
            f"a {type(model).__name__} and a {type(other).__name__} have other weights: {odd[0]}\n"
            "  hint:     adapted(MODEL,objective=simcse)"
        )


def _start_anew(base: ResolvedModel, seed: int, folder: Path) -> int:
    """Writes the same network with random weights; no token is run for that."""
    load: Callable[[Path], Any] = load_encoder if base.kind == "encoder" else load_causal_lm
    model = load(base.folder)
    inner = transformer_of(model)
    around = [module for module in model.modules() if module not in set(inner.modules())]
    with seeded(seed):
        fresh = type(inner)(inner.config)
        for module in around:
            if hasattr(module, "reset_parameters"):
                module.reset_parameters()
    inner.load_state_dict(fresh.state_dict())
    if base.kind == "encoder":
        save_encoder(model, folder)
        return 0
    _save_causal_lm(model, _tokenizer(base), folder)
    return 0


def _tokenizer(base: ResolvedModel) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(base.folder, trust_remote_code=False)


def _save_causal_lm(model: Any, tokenizer: Any, folder: Path) -> None:
    with quiet_transformers():
        model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)

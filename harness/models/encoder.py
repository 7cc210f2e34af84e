"""A sentence encoder, and the same behind the cache of outputs."""

from __future__ import annotations

import functools
import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from harness.core.files import atomic_write, hash_json
from harness.core.progress import Progress
from harness.core.types import Cost
from harness.models.base import Outputs
from harness.models.batching import TOGETHER, Batch, batch_rows, plan_batches
from harness.models.device import choose_device, default_dtype, numerics, use_threads
from harness.models.embedding_tables import check_tokens, places_of
from harness.models.outputs import OutputStore, content_key
from harness.models.packed import pack_linears
from harness.models.quiet import quiet_transformers
from harness.models.resolve import ResolvedModel

FLUSH_TEXTS = 8192
MANY_TEXTS = 2048
TRIED_LENGTHS = (4, 8, 12, 20, 44, 88)
ENCODING_VERSION = 1
LIMIT_FILE = "tokens_of_a_text"
DEFAULT_LIMIT = 512
"""Tokens that are read of a text by a model that does not say how many it reads."""


class LocalEncoder:
    """An encoder on this machine; its weights load when the first embedding is missing.

    Attributes:
        texts_encoded: How many texts went through the model since it was made.
        tokens_run: How many tokens did, padding left out.
    """

    def __init__(self, resolved: ResolvedModel, cache: Path) -> None:
        self.name = resolved.name
        self.identity = resolved.identity
        self.folder = resolved.folder
        self.texts_encoded = 0
        self.tokens_run = 0
        self._cache = cache
        self._kept_bits: bool | None = None

    def load(self) -> Any:
        """Loads a fresh copy of the model, a ``SentenceTransformer`` in float32 on the device."""
        return load_encoder(self.folder)

    def release(self) -> None:
        """Lets the weights go; they load again when an embedding is missing."""
        vars(self).pop("_model", None)

    @functools.cached_property
    def _model(self) -> Any:
        model = self.load().eval()
        pack_linears(model)
        return model

    @functools.cached_property
    def _store(self) -> OutputStore:
        library = version("sentence-transformers")
        what = ["embeddings", ENCODING_VERSION, self.identity, numerics(), library]
        name = hash_json(what)[:24]
        return OutputStore(self._cache / "outputs" / name)

    def encode(self, texts: Sequence[str]) -> Outputs:
        """Returns the embeddings, shape (texts, dimensions), float32.

        Every distinct text is computed once, whoever asks for it and whenever. Texts longer
        than the model reads are cut at its limit, as the model's own code does.
        """
        keys = [content_key(text) for text in texts]
        missing = self._store.missing(keys)
        with Progress(f"{self.name}: encoding", len(missing), "text") as progress:
            for start in range(0, len(missing), FLUSH_TEXTS):
                part = missing[start : start + FLUSH_TEXTS]
                values, costs = self._compute([texts[place] for place in part], progress)
                self._store.put([keys[place] for place in part], values, costs)
        found, first_costs = self._store.get(keys)
        full = sum(first_costs[key].tokens >= self._limit for key in keys)
        return Outputs(found, first_costs, shortened=full)

    def _keeps_bits(self, ids: Sequence[Sequence[int]]) -> bool:
        """Returns whether rows keep their bits when several batches run as one: it is tried."""
        if self._kept_bits is None:
            tokens = itertools.cycle(token for row in ids for token in row)
            lengths = [length for length in TRIED_LENGTHS if length <= token_limit(self._model)]
            self._kept_bits = all(_same_bits(self._model, tokens, length) for length in lengths)
        return self._kept_bits

    @functools.cached_property
    def _limit(self) -> int:
        """How many tokens it reads of a text; kept, so that the model need not be loaded for it."""
        file = self._store.folder / LIMIT_FILE
        try:
            return int(file.read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            atomic_write(file, str(limit := token_limit(self._model)))
            return limit

    def _compute(self, texts: Sequence[str], progress: Progress) -> tuple[Any, list[Cost]]:
        model = self._model
        ids = tokenise(model, texts)
        lengths = [len(row) for row in ids]
        values: list[Any] = [None] * len(texts)
        costs = [Cost()] * len(texts)
        many = len(texts) >= MANY_TEXTS
        together = TRIED_LENGTHS[-1] if many and self._keeps_bits(ids) else 0
        for batch in plan_batches(lengths, limit=token_limit(model), together=together):
            started = time.perf_counter()
            embeddings = run_batch(model, [ids[row] for row in batch.rows], batch)
            share = (time.perf_counter() - started) / len(batch.rows)
            for row, embedding in zip(batch.rows, embeddings, strict=True):
                values[row] = embedding
                costs[row] = Cost(share, lengths[row])
            self.texts_encoded += len(batch.rows)
            self.tokens_run += sum(lengths[row] for row in batch.rows)
            progress.update(len(batch.rows))
        return np.stack(values), costs


def _same_bits(model: Any, tokens: Iterator[int], length: int) -> bool:
    """Returns whether batches of so many tokens a row give the same bits alone and together."""
    size = batch_rows(length)
    ids = [list(itertools.islice(tokens, length)) for _ in range(TOGETHER * size)]
    parts = [ids[start : start + size] for start in range(0, len(ids), size)]
    alone = np.concatenate([run_batch(model, part, Batch((), size, length)) for part in parts])
    return np.array_equal(alone, run_batch(model, ids, Batch((), len(ids), length)))


def load_encoder(folder: Path) -> Any:
    """Loads a ``SentenceTransformer`` in float32 on the device; see :func:`choose_device`."""
    from sentence_transformers import SentenceTransformer

    use_threads()
    device = choose_device()
    with quiet_transformers():
        return SentenceTransformer(
            str(folder),
            device=device,
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"dtype": default_dtype(device), "use_safetensors": True},
        )


def save_encoder(model: Any, folder: Path) -> None:
    """Writes a ``SentenceTransformer`` as safetensors, without a card."""
    with quiet_transformers():
        model.save(str(folder), create_model_card=False)


def token_limit(model: Any) -> int:
    """Returns how many tokens a ``SentenceTransformer`` reads of a text: no more than it can."""
    return min(int(model.max_seq_length or DEFAULT_LIMIT), places_of(model) or sys.maxsize)


def tokenise(model: Any, texts: Sequence[str]) -> list[list[int]]:
    """Returns the token ids of each text as the model reads it: after its default prompt, cut.

    Raises:
        ModelError: The model has no embedding for a token.
    """
    prompt = model.prompts.get(model.default_prompt_name) or ""
    encoded = model.tokenizer(
        [prompt + text for text in texts], truncation=True, max_length=token_limit(model)
    )
    ids: list[list[int]] = encoded["input_ids"]
    check_tokens(model, model.tokenizer, ids)
    return ids


def to_features(
    model: Any, ids: Sequence[Sequence[int]], *, size: int, length: int
) -> dict[str, Any]:
    """Returns what the model takes: ids and mask, shape (size, length), filled up with padding."""
    import torch

    padding = model.tokenizer.pad_token_id or 0
    inputs = torch.full((size, length), padding, dtype=torch.long)
    mask = torch.zeros((size, length), dtype=torch.long)
    for place, row in enumerate(ids):
        inputs[place, : len(row)] = torch.tensor(row, dtype=torch.long)
        mask[place, : len(row)] = 1
    mask[len(ids) :, 0] = 1  # a row with nothing to attend to would be not-a-number
    return {"input_ids": inputs.to(model.device), "attention_mask": mask.to(model.device)}


def run_batch(model: Any, ids: Sequence[Sequence[int]], batch: Batch) -> Any:
    """Runs one batch; returns an array of shape (rows, dimensions), filler rows left out."""
    import torch

    with torch.inference_mode():
        features = to_features(model, ids, size=batch.size, length=batch.length)
        embeddings = model(features)["sentence_embedding"]
    return embeddings[: len(ids)].float().cpu().numpy()

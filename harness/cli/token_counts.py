"""Counting tokens for a check: by the tokenizer's file alone, so that no model is loaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.models.catalog import ModelKind
    from harness.tasks.check import TokenCounter

ENDLESS = 10**9
"""Tokenizers that know no limit give one beyond this."""


def token_counters(flags: Sequence[str]) -> list[TokenCounter]:
    """Returns a counter for each model named; for none, those of default models that are here.

    Args:
        flags: What stands after ``--model``. A model named is fetched where it is not here.

    Raises:
        UserError: A flag names no model.
        ModelError: A model could not be fetched.
    """
    from harness.models import catalog
    from harness.models.fetch import is_fetched, model_folder
    from harness.models.resolve import parse_model_flag, resolve

    if flags:
        named = dict.fromkeys(map(parse_model_flag, flags))
        models = [resolve(spec, kind, where="--model") for kind, spec in named]
        return [_counter(model.name, model.kind, model.folder) for model in models]
    defaults = map(catalog.default, catalog.KINDS)
    return [
        _counter(model.name, model.kind, model_folder(model))
        for model in defaults
        if is_fetched(model)
    ]


def _counter(name: str, kind: ModelKind, folder: Path) -> TokenCounter:
    from harness.tasks.check import TokenCounter

    return TokenCounter(name, _count(folder), _limit(folder) if kind == "encoder" else None)


def _count(folder: Path) -> Callable[[Sequence[str]], list[int]]:
    file = _first(folder, "tokenizer.json")
    if file is None:
        return _slowly(folder)

    def count(texts: Sequence[str]) -> list[int]:
        """Counts by the tokenizer's file."""
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(file))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return [len(encoding.ids) for encoding in tokenizer.encode_batch(list(texts))]

    return count


def _slowly(folder: Path) -> Callable[[Sequence[str]], list[int]]:
    """Counts by the model's own tokenizer, which takes seconds to import."""

    def count(texts: Sequence[str]) -> list[int]:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        return [len(ids) for ids in tokenizer(list(texts))["input_ids"]]

    return count


def _limit(folder: Path) -> int | None:
    """Returns how many tokens an encoder reads, as ``SentenceTransformer`` finds it out."""
    own = _setting(folder, "sentence_bert_config.json", "max_seq_length")
    if own:
        return own
    limits = [
        _setting(folder, "config.json", "max_position_embeddings"),
        _setting(folder, "tokenizer_config.json", "model_max_length"),
    ]
    return min((limit for limit in limits if limit and limit < ENDLESS), default=None)


def _setting(folder: Path, name: str, key: str) -> int | None:
    from harness.core.files import read_json

    file = _first(folder, name)
    content: Any = read_json(file) if file else {}
    value = content.get(key) if isinstance(content, dict) else None
    return int(value) if isinstance(value, int | float) else None


def _first(folder: Path, name: str) -> Path | None:
    """Returns a file of the model's folder, or of one of its modules'."""
    return next((path for path in (folder / name, *sorted(folder.glob(f"*/{name}")))
                 if path.is_file()), None)  # fmt: skip

"""Data sets of the Hugging Face hub, at the commit that the first download found."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.core import pins
from harness.core.cache import cache_dir
from harness.core.errors import DataError, HarnessError
from harness.core.files import atomic_write, canonical_json, hash_json, read_json
from harness.core.schema import Located
from harness.tasks.source_schema import Source
from harness.tasks.sources.base import NotHereError, SourceReader, Table, as_text, check_columns

TIMEOUT_SECONDS = 30.0
_COMMIT = re.compile("[0-9a-f]{40}")


class Hub(SourceReader):
    """A data set of the hub; code that comes with a data set is never run."""

    def read(
        self,
        source: Source,
        roots: Sequence[Path],  # noqa: ARG002 - a hub has no folders
        yaml: Located,
        field: tuple[str | int, ...],
    ) -> dict[str, Table]:
        """Returns the table of each split; without `splits`, of those with our own names."""
        with _asking(str(source.hub), yaml.where((*field, "hub"))):
            commit = _commit(str(source.hub), source.revision)
            splits = _kept(source, commit)
        config = f" {source.config}" if source.config else ""
        origin = f"hub {source.hub}{config}@{commit}"
        return {
            split: Table(_place(source, split, commit), rows, None, origin)
            for split, rows in splits.items()
        }

    def columns(self, name: str, config: str | None) -> dict[str, list[str]]:
        """Returns the columns of each split of a data set, by the hub's name of the split.

        Raises:
            NotHereError: The data set cannot be reached.
            DataError: It needs a configuration, or has none of this name.
        """
        with _asking(name, name):
            splits = _load_all(name, config, _commit(name, None))
            return {split: list(data.column_names) for split, data in splits.items()}


@contextlib.contextmanager
def _asking(name: str, where: str) -> Iterator[None]:
    """Says of what goes wrong with a data set whether it is a mistake, or the hub is not there."""
    what = f"hub data set {name}"
    try:
        yield
    except ValueError as error:
        raise DataError(f"{what}: {_first_line(error)}", where=where) from error
    except HarnessError:
        raise
    # Which errors a failed request raises depends on the HTTP library, and that changed with
    # every major version of huggingface_hub: their classes cannot be named here.
    except Exception as error:
        raise NotHereError([f"{what}: {type(error).__name__}: {_first_line(error)}"]) from error


def _commit(dataset: str, revision: str | None) -> str:
    """Returns the commit to read: the one asked for, the pinned one, or today's, which it pins."""
    if revision and _COMMIT.fullmatch(revision):
        return revision
    key = f"dataset {dataset}@{revision or 'main'}"
    if pinned := pins.pin(key):
        return pinned
    from huggingface_hub import HfApi

    info = HfApi().dataset_info(dataset, revision=revision, timeout=TIMEOUT_SECONDS)
    if info.sha is None:
        raise OSError("the hub names no commit")
    return pins.record(key, info.sha)


def _kept(source: Source, commit: str) -> dict[str, list[dict[str, str]]]:
    """Returns the rows of each split, from our own cache where they were read before.

    With the rows at hand neither the network nor `datasets` is needed a second time; without a
    network its own cache answers only after half a minute of tries.
    """
    identity = hash_json([commit, source.model_dump()])
    path = cache_dir() / "datasets" / f"{identity}.json"
    if not path.is_file():
        splits = {
            split: _rows(data, source.columns(split), _place(source, split, commit))
            for split, data in _load(source, commit).items()
        }
        atomic_write(path, canonical_json(splits))
    rows: dict[str, list[dict[str, str]]] = read_json(path)
    return rows


def _load(source: Source, commit: str) -> dict[str, Any]:
    name = str(source.hub)
    if source.splits:
        return {
            ours: _load_data(name, source.config, commit, theirs)
            for ours, theirs in source.splits.items()
        }
    known = ("train", "validation", "test", "unlabelled")
    loaded = _load_all(name, source.config, commit)
    return {split: data for split, data in loaded.items() if split in known}


def _load_all(name: str, config: str | None, commit: str) -> dict[str, Any]:
    return dict(_load_data(name, config, commit, None))


def _load_data(name: str, config: str | None, commit: str, split: str | None) -> Any:
    import datasets

    # Without a network `datasets` takes whatever is newest in its cache folder, whichever revision
    # was asked for: a folder for each commit leaves it no choice. `hf://` keeps it from reading a
    # local folder that happens to bear the data set's name.
    return datasets.load_dataset(
        f"hf://datasets/{name}",
        config,
        revision=commit,
        split=split,
        cache_dir=str(cache_dir() / "datasets" / commit),
    )


def _rows(data: Any, columns: Sequence[str], place: str) -> list[dict[str, str]]:
    check_columns(data.column_names, columns, place)
    texts = [_column(data, column) for column in columns]
    return [dict(zip(columns, row, strict=True)) for row in zip(*texts, strict=True)]


def _column(data: Any, column: str) -> list[str]:
    """Returns a column as text; the numbers of a class label become its names, -1 means none."""
    names = getattr(data.features[column], "names", None)
    if names is None:
        return [as_text(value) for value in data[column]]
    return ["" if value is None or value < 0 else as_text(names[value]) for value in data[column]]


def _place(source: Source, split: str, commit: str) -> str:
    theirs = dict(source.splits or {}).get(split, split)  # type: ignore[call-overload]
    return f"{source.hub}@{commit[:12]} {theirs}"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]

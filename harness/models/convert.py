"""A GGUF file made into a folder that loads fast: safetensors, config, tokenizer."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from harness.models.failure import failure
from harness.models.quiet import quiet_transformers

CONVERTERS = ("transformers", "torch", "gguf")


def converter_versions() -> dict[str, str]:
    """Returns the versions of the packages whose work a converted folder is."""
    return {package: version(package) for package in CONVERTERS}


def gguf_to_safetensors(source: Path, target: Path) -> None:
    """Writes the model in the GGUF file ``source`` into the folder ``target``, as float32.

    The same file and the same versions give the same bytes.

    Raises:
        ModelError: The file cannot be read as a GGUF model.
    """
    try:
        with _quiet():
            _convert(source, target)
    except (OSError, ValueError, KeyError, NotImplementedError, RuntimeError) as error:
        raise failure(
            f"{source.name} could not be converted to safetensors",
            tried=", ".join(f"{name} {value}" for name, value in converter_versions().items()),
            found=f"{type(error).__name__}: {error}",
            hint="the file is what it should be; another version of transformers may read it",
        ) from error


def _convert(source: Path, target: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder, file = str(source.parent), source.name
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
    read = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32)
    # What was read counts as quantized and refuses to be saved, although its weights are plain
    # float32 by now: they are handed over to a twin whose config knows nothing of it.
    settings = read.config.to_dict()
    settings.pop("quantization_config", None)
    with torch.device("meta"):
        plain = AutoModelForCausalLM.from_config(
            type(read.config).from_dict(settings), dtype=torch.float32
        )
    plain.load_state_dict(read.state_dict(), assign=True)
    plain.tie_weights()
    plain.save_pretrained(target)
    tokenizer.save_pretrained(target)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps bars, logs and warnings off the screen; the GGUF reader's bar obeys no switch."""
    with (
        quiet_transformers(),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield

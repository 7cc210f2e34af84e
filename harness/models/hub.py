"""A model from the model hub, held to the commit it was first seen at."""

from __future__ import annotations

import dataclasses
import re
import sys
from pathlib import Path

from harness.core import pins
from harness.core.errors import ModelError
from harness.models.catalog import CATALOG
from harness.models.failure import failure

WANTED = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja"]
UNWANTED = ["onnx/*", "openvino/*", "original/*", "checkpoint*/*"]
COMMIT = re.compile(r"[0-9a-f]{40}")
HUB_ID = re.compile(r"(?P<repo>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@(?P<revision>[^\s@]+))?")


@dataclasses.dataclass(frozen=True, slots=True)
class HubModel:
    """A model on the hub.

    Attributes:
        repo: ``organisation/name``.
        revision: A branch, tag or commit.
    """

    repo: str
    revision: str

    @property
    def commit(self) -> str | None:
        """The commit meant, where the revision is one or was seen before."""
        if COMMIT.fullmatch(self.revision):
            return self.revision
        return pins.pin(self._key)

    @property
    def _key(self) -> str:
        return f"model:{self.repo}@{self.revision}"

    def download(self) -> tuple[Path, str]:
        """Returns the folder of the model, fetched where it is not there yet, and its commit.

        Weights as safetensors, configs and tokenizer files are taken, pickles and code are not.
        What was fetched whole before is found without a connection.

        Raises:
            ModelError: It does not exist, may not be read, or the hub cannot be reached.
        """
        known = self.commit
        folder = _snapshot(self.repo, known or self.revision)
        if known is None:
            known = pins.record(self._key, folder.name)
            if known != folder.name:  # another process was first, at another commit
                folder = _snapshot(self.repo, known)
        return folder, known


def parse_hub_id(spec: str) -> HubModel | None:
    """Returns the model that ``organisation/name[@revision]`` names; None for other text."""
    match = HUB_ID.fullmatch(spec)
    return match and HubModel(match["repo"], match["revision"] or "main")


def _snapshot(repo: str, revision: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils.tqdm import disable_progress_bars

    if not sys.stderr.isatty():
        disable_progress_bars()
    try:
        return Path(
            snapshot_download(
                repo, revision=revision, allow_patterns=WANTED, ignore_patterns=UNWANTED
            )
        )
    except Exception as error:  # the errors of its HTTP library have no common root
        raise _unreachable(repo, revision, error) from error


def _unreachable(repo: str, revision: str, error: Exception) -> ModelError:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return failure(
        f"{repo} could not be fetched from the model hub",
        tried=f"huggingface_hub.snapshot_download, repository {repo}, revision {revision}",
        found="\n".join([type(error).__name__, *lines[:6]]),
        hint=(
            "see that the name is right and there is a connection; a model behind a licence or\n"
            "a login needs HF_TOKEN in the environment. Without the hub: the path of a folder\n"
            f"that holds a model, or one of the catalog: {', '.join(CATALOG)}"
        ),
    )

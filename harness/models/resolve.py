"""From what a user wrote for a model to its folder and its identity, without loading it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from harness.core.errors import UserError, nearest
from harness.core.files import hash_json, read_json
from harness.models.catalog import CATALOG, KINDS, CatalogModel, ModelKind, check_is, check_kind
from harness.models.derived import Derived, parse_derived
from harness.models.device import DTYPE
from harness.models.fetch import MARKER, fetch, is_fetched, model_folder
from harness.models.hub import HubModel, parse_hub_id
from harness.models.local import READ_WHEN_LOADING, check_folder, folder_hashes

FORMS = (
    f"a name of the catalog ({', '.join(CATALOG)}), the path of a folder with config.json and "
    "*.safetensors, an id on the model hub (organisation/name or organisation/name@revision), or "
    "one made from these, such as from_scratch(MODEL) or adapted(MODEL)"
)
Source = CatalogModel | HubModel | Path | Derived


@dataclasses.dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A model that is on this machine, ready to be loaded.

    Attributes:
        spec: What the user wrote.
        name: Its short name, for tables.
        kind: How it is used.
        folder: Where its config, weights and tokenizer lie.
        identity: Changes when weights, tokenizer, settings or number format do, and only then.
    """

    spec: str
    name: str
    kind: ModelKind
    folder: Path
    identity: str


def parse_model_flag(flag: str, *, where: str | None = "--model") -> tuple[ModelKind, str]:
    """Returns kind and spec of ``kind:spec``.

    Raises:
        UserError: It has another form, or there is no such kind.
    """
    kind, colon, spec = flag.partition(":")
    if not colon or not spec:
        known = CATALOG.get(flag)
        raise UserError(
            "a model is given as its kind, a colon and its name",
            where=where,
            found=flag,
            expected=" or ".join(f"{name}:MODEL" for name in KINDS),
            hint=f"did you mean '{known.kind}:{flag}'?" if known else None,
        )
    return check_kind(kind, where=where), spec


def check_spec(spec: str, kind: str, *, where: str | None = None) -> Source:
    """Returns what ``spec`` names; nothing is fetched, hashed or loaded.

    Raises:
        UserError: It names nothing, no model, or a model of another kind.
    """
    kind = check_kind(kind, where=where)
    if spec in CATALOG:
        check_is(CATALOG[spec], kind, where=where)
        return CATALOG[spec]
    path = Path(spec).expanduser()
    if path.is_dir():
        check_folder(path, kind, where=where)
        return path
    if derived := parse_derived(spec, where=where):
        derived.check(kind, where=where)
        check_spec(derived.base, kind, where=where)
        return derived
    hub_model = parse_hub_id(spec)
    if hub_model is None or path.exists():
        raise _names_nothing(spec, where)
    return hub_model


def resolve(spec: str, kind: str, *, where: str | None = None) -> ResolvedModel:
    """Returns the model that ``spec`` names, after fetching it where it is not there yet.

    Args:
        spec: A name of the catalog, a folder, or an id on the model hub.
        kind: ``causal_lm`` or ``encoder``.
        where: The flag or field the spec stood in, for messages.

    Raises:
        UserError: ``spec`` names no model of this kind.
        ModelError: The model could not be fetched, or is not what it should be.
    """
    kind = check_kind(kind, where=where)
    source = check_spec(spec, kind, where=where)
    match source:
        case CatalogModel():
            folder, identity = fetch(source), _catalog_identity(source)
        case HubModel():
            folder, commit = source.download()
            check_folder(folder, kind, where=where)
            identity = _hub_identity(source, commit)
        case Path():
            folder, identity = source, _content_identity(folder_hashes(source))
        case Derived():
            raise _is_made(spec, source, where)
    name = source.resolve().name if isinstance(source, Path) else spec
    return ResolvedModel(spec, name, kind, folder, identity)


def describe_identity(spec: str, kind: str, *, where: str | None = None) -> str | None:
    """Returns the identity that :func:`resolve` would give, without a connection.

    Returns:
        None for a model on the hub whose commit is not known yet, and for one of the catalog
        that has yet to be fetched and converted.

    Raises:
        UserError: ``spec`` names no model of this kind.
    """
    source = check_spec(spec, kind, where=where)
    match source:
        case CatalogModel():
            known = source.prepare == "copy" or is_fetched(source)
            return _catalog_identity(source) if known else None
        case HubModel():
            return _hub_identity(source, source.commit) if source.commit else None
        case Path():
            return _content_identity(folder_hashes(source))
        case Derived():
            raise _is_made(spec, source, where)


def _catalog_identity(model: CatalogModel) -> str:
    """A model taken as it is has the identity of the same files in a folder of the user's.

    That of one converted here has the converted weights in it, which are the converter's work:
    another version of it may give others.
    """
    hashes = model.file_hashes
    if model.prepare == "copy":
        return _content_identity(
            {path: sha for path, sha in hashes.items() if path.endswith(READ_WHEN_LOADING)}
        )
    prepared = read_json(model_folder(model) / MARKER)["files"]
    weights = {
        path: entry["sha256"] for path, entry in prepared.items() if path.endswith(".safetensors")
    }
    return _content_identity(hashes | weights)


def _content_identity(hashes: Mapping[str, str]) -> str:
    return f"sha256:{hash_json(hashes)}/{DTYPE}"


def _hub_identity(model: HubModel, commit: str) -> str:
    return f"hub:{model.repo}@{commit}/{DTYPE}"


def _is_made(spec: str, derived: Derived, where: str | None) -> UserError:
    return UserError(
        "a model made from another is there in a run only, where the task's texts are",
        where=where,
        found=spec,
        hint=f"name the one it is made from: {derived.base}",
    )


def _names_nothing(spec: str, where: str | None) -> UserError:
    close = nearest(spec, CATALOG)
    return UserError(
        "this names no model",
        where=where,
        found=spec,
        expected=FORMS,
        hint=f"did you mean {close!r}?" if close else None,
    )

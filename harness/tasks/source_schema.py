"""What a task YAML may say of one place its data come from, shared by all task kinds."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from harness.core.errors import nearest
from harness.core.schema import FieldProblem, YamlModel

Part = Literal["train", "validation", "test", "unlabelled", "all", "source"]
FieldType = Literal["text", "integer", "number", "boolean"]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Domain(YamlModel):
    """The two domains of a task, told apart by a column."""

    column: str = Field(description="The column that says which domain a row is of.")
    source: str = Field(description="Its value for the domain to transfer from.")
    target: str = Field(description="Its value for the domain to transfer to, which is tested.")

    @model_validator(mode="after")
    def _two(self) -> Self:
        if self.source == self.target:
            raise FieldProblem(
                "source and target are the same domain",
                field=("target",),
                found=self.target,
                expected="another value of the column than `source` has",
            )
        return self


class Source(YamlModel):
    """One place the data may come from: files, or a data set of the Hugging Face hub."""

    files: dict[Part, str] | None = Field(
        default=None,
        min_length=1,
        description="File of each split, below the data folder or beside the YAML; "
        "the one key `all` where the split is to be drawn; `source` for another domain's rows.",
    )
    hub: str | None = Field(
        default=None, pattern="^[^/]+(/[^/]+)?$", description="Id of a Hugging Face data set."
    )
    config: str | None = Field(default=None, description="Hub only: name of the configuration.")
    revision: str | None = Field(
        default=None, description="Hub only: branch, tag or commit; pinned at the first download."
    )
    splits: dict[Part, str] | None = Field(
        default=None, min_length=1, description="Hub only: the hub's name of each split."
    )
    format: str | None = Field(
        default=None,
        description="Files only: csv, jsonl, parquet or xlsx; default by the file's ending.",
    )
    sha256: dict[Part, Sha256] = Field(
        default={}, description="Files only: sha256 of each split's file, in hexadecimal."
    )
    fields: dict[Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$")], str] = Field(
        min_length=1, description="Column of each field, in the order a text is put together."
    )
    types: dict[str, FieldType] = Field(
        default={}, description="Type of each field that is not text."
    )
    group: str | None = Field(
        default=None,
        description="Column whose equal rows (of one customer, say) stay together where test "
        "rows are drawn.",
    )
    time: str | None = Field(
        default=None, description="Column of times: where test rows are drawn, the latest are."
    )
    domain: Domain | None = Field(
        default=None,
        description="Two domains in the same files: train rows of one, all rows of the other.",
    )

    def columns(self, split: str) -> list[str]:
        """Returns the columns that are read of a split, each once."""
        ordering = [self.group, self.time] if split in ("train", "all") else []
        target = [] if split == "unlabelled" else [self.target_column]
        domain = [self.domain.column] if self.domain else []
        every = [*self.fields.values(), *ordering, *domain, *self.more_columns, *target]
        return list(dict.fromkeys(column for column in every if column is not None))

    @property
    def has_source_domain(self) -> bool:
        """Whether there are labelled rows of another domain than the one tested."""
        return self.domain is not None or "source" in (self.files or self.splits or {})

    @property
    def target_column(self) -> str | None:
        """The column that says what is right; kinds have one."""
        return None

    @property
    def more_columns(self) -> list[str]:
        """Columns that every split has beside the fields."""
        return []

    @field_validator("files", "splits")
    @classmethod
    def _all_alone(cls, value: dict[str, str] | None) -> dict[str, str] | None:
        if value and "all" in value and set(value) - {"all", "source"}:
            raise FieldProblem(
                "`all` stands beside other splits",
                found=list(value),
                expected="`all` alone, or with `source`",
            )
        return value

    @field_validator("files")
    @classmethod
    def _relative(cls, value: dict[str, str] | None) -> dict[str, str] | None:
        for split, name in (value or {}).items():
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                raise FieldProblem(
                    "this path leads out of its folder",
                    field=(split,),
                    found=name,
                    expected="a path below the data folder or the task YAML's own",
                )
        return value

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.files is None) == (self.hub is None):
            raise FieldProblem(
                "a source is either files or hub", expected="exactly one of `files` and `hub`"
            )
        place, foreign = ("files", _HUB_KEYS) if self.files is not None else ("hub", _FILE_KEYS)
        for key in foreign & self.model_fields_set:
            raise FieldProblem(f"this key does not go with `{place}`", field=(key,))
        return self

    @model_validator(mode="after")
    def _one_order(self) -> Self:
        if self.group is not None and self.time is not None:
            raise FieldProblem(
                "test rows are drawn by `group` or by `time`, not both", field=("time",)
            )
        return self

    @model_validator(mode="after")
    def _one_source_domain(self) -> Self:
        key = "files" if self.files else "splits"
        if self.domain is not None and "source" in (self.files or self.splits or {}):
            raise FieldProblem(
                "the source domain is given twice",
                field=("domain",),
                found=f"`domain`, and the split `source` under `{key}`",
                expected="one of them: a column of the same files, or a file of its own",
            )
        return self

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        _check_known("types", self.types, self.fields)
        _check_known("sha256", self.sha256, self.files or {})
        return self


_HUB_KEYS = frozenset({"config", "revision", "splits"})
_FILE_KEYS = frozenset({"format", "sha256"})


class LabelledSource(Source):
    """A source whose rows have one label each."""

    label: str = Field(description="The column of the label.")
    label_map: dict[str, str] = Field(
        default={}, description="Label for a value of the column, where they differ."
    )

    @property
    def target_column(self) -> str:
        """The column of the label."""
        return self.label


def _check_known(key: str, names: Iterable[str], known: Iterable[str]) -> None:
    for name in names:
        if name not in known:
            close = nearest(name, known)
            raise FieldProblem(
                "unknown name",
                field=(key, name),
                found=name,
                expected=f"one of {', '.join(known)}",
                hint=f"did you mean {close!r}?" if close else None,
            )

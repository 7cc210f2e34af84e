"""Task kinds: what an example's text and target are. One file each; this is their name table."""

from __future__ import annotations

from harness.core.registry import Entry, Registry

KINDS: Registry[Entry] = Registry(
    "task kind",
    [
        Entry(
            "single_label",
            "harness.tasks.kinds.single_label:SingleLabel",
            "a text gets one label out of a list",
        ),
    ],
    group="harness.kinds",
)

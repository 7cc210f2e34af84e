"""Text as a YAML scalar that every YAML reader reads as that text, and comments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from harness.core.errors import shorten

_PLAIN = re.compile(r"[A-Za-z_][\w./-]*(?: \w[\w./-]*)*", re.ASCII)
# Words that YAML 1.1 or 1.2 reads as something else than text; ours reads every scalar as text.
_SPECIAL = frozenset({"yes", "no", "on", "off", "y", "n", "true", "false", "null", "none"})
# Line breaks and what YAML does not allow, or a person would not see: written as escapes.
_HIDDEN = re.compile(
    "[\x7f-\xa0\xad\u0600-\u0605\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff"
    "\ufeff\ufff0-\uffff]"
)
LONGEST_COMMENT = 160


def quote(text: str) -> str:
    """Returns a text as a YAML scalar on one line: bare where no reader can mistake it."""
    if _PLAIN.fullmatch(text) and text.casefold() not in _SPECIAL:
        return text
    return _HIDDEN.sub(_escape, json.dumps(text, ensure_ascii=False))


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match.group()):04x}"


def quoted_list(texts: Iterable[str]) -> str:
    """Returns texts as a YAML list on one line."""
    return f"[{', '.join(map(quote, texts))}]"


def comment(text: str) -> str:
    """Returns a text as it can stand in a comment: on one line, nothing hidden, not too long."""
    seen = "".join(sign if sign.isprintable() else " " for sign in text)
    return shorten(" ".join(seen.split()), LONGEST_COMMENT)

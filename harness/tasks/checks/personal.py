"""What looks like personal data: e-mail addresses, phone numbers, card numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from harness.core.types import Example
from harness.tasks.checks.base import Finding, all_splits, some_places
from harness.tasks.task import Task

# Every repetition is bounded and begins where a word does: no text makes these slow.
ADDRESS = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[a-z]{2,24}\b", re.I)
RESERVED = re.compile(r"(?:@|\.)(?:example(?:\.(?:com|org|net))?|invalid|test|localhost)$", re.I)
"""Names that belong to nobody (RFC 2606)."""
DIGITS = re.compile(r"(?<![\w.,+$€£-])[+(]{0,2}\d(?:[ ().\-/]{0,3}\d){7,18}(?![\w@]|[.,-]\d)", re.A)
DATE = re.compile(r"\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{2,4}")
CARD = re.compile(r"[2-6]\d{3}(?:[ -]?\d){9,15}")
GROUPED = re.compile(r"\(?[2-9]\d{2}\)?[ .-]\d{3}[ .-]\d{4}")
"""A number of the North American plan, written as people write it."""
FICTIONAL = re.compile(
    r"(?:61|0)(?:[2378](?:5550|7010)\d{4}|491570(?:006|110|15[6-9]))|1?[2-9]\d{2}55501\d{2}"
)
"""Numbers set aside for stories, by the Australian regulator (ACMA) and the American (NANPA)."""
INTERNATIONAL, DIALLED, LOCAL, CARD_DIGITS = (8, 15), (11, 17), (9, 11), (13, 19)


def check_personal(task: Task) -> Iterator[Finding]:
    """Gives how often something looks like personal data, and where; never the thing itself."""
    for what, look in LOOKS.items():
        places = [
            f"{name} row {row.row} ({masked(value)})"
            for name, text, row in _texts(task)
            for value in look(text)
        ]
        if places:
            yield Finding(
                "warning",
                f"{len(places)} times something looks like {what}: {some_places(places)}",
            )


def masked(value: str) -> str:
    """Returns a value that is recognised by who knows it, and by nobody else."""
    return f"{value[0]}…{value[-2:]}"


def addresses(text: str) -> list[str]:
    """Returns what looks like an e-mail address, those that belong to nobody aside."""
    if "@" not in text:
        return []
    return [found for found in ADDRESS.findall(text) if not RESERVED.search(found)]


def cards(text: str) -> list[str]:
    """Returns what looks like the number of a payment card: 13 to 19 digits, their sum right."""
    return [found for found in _numbers(text) if _is_card(found)]


def phones(text: str) -> list[str]:
    """Returns what looks like a phone number: with + or 00, a leading 0, or grouped as in the US.

    A bare run of digits is an order number.
    """
    return [found for found in _numbers(text) if not _is_card(found) and _is_phone(found)]


LOOKS: Mapping[str, Callable[[str], list[str]]] = {
    "an e-mail address": addresses,
    "a phone number": phones,
    "a card number": cards,
}


def _texts(task: Task) -> Iterator[tuple[str, str, Example]]:
    """Gives the text of every row, with its split; a text of several rows once."""
    for name, rows in all_splits(task).items():
        seen: set[str] = set()
        for row in rows:
            text = task.text(row) + "\n" + "\n".join(row.choices)
            if text not in seen:
                seen.add(text)
                yield name, text, row


def _numbers(text: str) -> list[str]:
    return list(DIGITS.findall(DATE.sub("#", text)))


def _is_card(number: str) -> bool:
    digits = _digits(number)
    low, high = CARD_DIGITS
    return bool(
        low <= len(digits) <= high
        and CARD.fullmatch(number)
        and len(set(digits)) > 1
        and _luhn(digits)
    )


def _luhn(digits: str) -> bool:
    """Returns whether the check digit is right: ISO/IEC 7812-1, annex B."""
    doubled = "0246813579"
    total = sum(
        int(doubled[int(digit)] if place % 2 else digit)
        for place, digit in enumerate(reversed(digits))
    )
    return total % 10 == 0


def _is_phone(number: str) -> bool:
    digits = _digits(number)
    if FICTIONAL.fullmatch(digits):
        return False
    begins = number.lstrip("(")
    low, high = INTERNATIONAL if begins[0] == "+" else DIALLED if begins[:2] == "00" else LOCAL
    if begins[0] in "+0":  # three zeros begin a number of an order, not of a phone
        return low <= len(digits) <= high and begins[:3] != "000"
    return GROUPED.fullmatch(number) is not None


def _digits(number: str) -> str:
    return re.sub(r"\D", "", number)

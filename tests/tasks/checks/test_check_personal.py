"""What looks like personal data. All numbers are made up, or published for tests."""

import time

import pytest

from harness.tasks.checks.personal import addresses, cards, check_personal, masked, phones

CARD = "4111 1111 1111 1111"  # a test number that card schemes publish


@pytest.mark.parametrize(
    "text",
    [
        "jo.doe+x@mail.acme.co.uk",
        "<jo@acme.de>",
        "write to JO_DOE@ACME.COM.",
        "mailto:jo@acme.io?x",
    ],
)
def test_an_address(text):
    (found,) = addresses(f"hi {text} bye")
    assert found in text


@pytest.mark.parametrize(
    "text",
    ["jo@example.com", "jo@mail.example.org", "jo@example.net", "jo@shop.example", "jo@x.invalid",
     "@jo", "jo@", "a@b", "3 @ 5.00 each", "jo@localhost", "user@host.test"],
)  # fmt: skip
def test_no_address(text):
    assert addresses(f"hi {text} bye") == []


@pytest.mark.parametrize(
    "text",
    ["+49 30 1234567", "+1 (212) 736-5000", "0049 30 1234567", "030 12345678", "(030) 1234-5678",
     "0412 345 678", "212-736-5000", "(212) 736-5000", "212.736.5000", "+442079460018"],
)  # fmt: skip
def test_a_phone_number(text):
    assert [found.lstrip("(") for found in phones(f"call {text}, please")] == [text.lstrip("(")]
    assert cards(text) == []


@pytest.mark.parametrize(
    "text",
    ["order 4419203847", "#00123845", "order 100234567", "INV-2024-001234567", "12345678",
     "2026-03-04 17:30", "04.03.2026 09:15", "03/04/2026", "$1,234,567.89", "1.234.567,89",
     "192.168.100.101", "000458733412", "(02) 5550 4471", "0491 570 156", "+61 491 570 156",
     "(212) 555-0143", "ref 12 34 56 78", "1234567890123", "year 2019 2020 2021"],
)  # fmt: skip
def test_no_phone_number(text):
    assert phones(f"it is {text}, thanks") == []


@pytest.mark.parametrize(
    "text", [CARD, "4111-1111-1111-1111", "5555555555554444", "378282246310005"]
)
def test_a_card_number(text):
    assert cards(f"card {text}.") == [text]
    assert phones(f"card {text}.") == []


@pytest.mark.parametrize(
    "text", ["4111 1111 1111 1112", "4444 4444 4444 4444", "0000 0000 0000 0000", "411111111111"]
)
def test_no_card_number(text):
    assert cards(f"card {text}.") == []


def test_a_value_is_never_shown(make, said):
    rows = [
        (f"my card is {CARD}, jo.doe@acme.com", "a"),
        ("call 0412 345 678", "b"),
        ("call 0412 345 678", "b"),
        ("call 030 1234567", "b"),
    ]
    task = make(rows, unlabelled=[{"text": "jane@acme.org"}])
    messages = said(check_personal(task), "warning")
    in_both = "train row 0 (j…om), unlabelled row 0 (j…rg)"
    assert messages == [
        f"2 times something looks like an e-mail address: {in_both}",
        "2 times something looks like a phone number: train row 1 (0…78), train row 3 (0…67)",
        "1 times something looks like a card number: train row 0 (4…11)",
    ]
    assert masked("0412345678") == "0…78"
    assert said(check_personal(make([("nothing here", "a"), ("or here", "b")]))) == []


def test_choices_are_looked_at(make, said):
    rows = [{"text": "whose?", "choices": ["jo@acme.com", "x"], "answer": 0}]
    task = make(rows, rows, "multiple_choice", {"choices": "choices", "answer": "answer"})
    assert "train row 0 (j…om), test row 0 (j…om)" in said(check_personal(task))[0]


@pytest.mark.parametrize(
    "text", ["a" * 200_000, "1 " * 100_000, "a.b" * 60_000 + "@", "+(" * 100_000, "a@" * 100_000,
             "x@" + "a." * 100_000, "1-" * 100_000 + "a", "(" * 100_000],
)  # fmt: skip
def test_no_text_is_slow(text):
    started = time.perf_counter()
    for look in (addresses, phones, cards):
        look(text)
    assert time.perf_counter() - started < 2

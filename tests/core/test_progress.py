import io
import sys
from types import SimpleNamespace

import pytest

from harness.core import progress
from harness.core.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on when told to."""
    clock = SimpleNamespace(now=100.0, monotonic=lambda: clock.now)
    monkeypatch.setattr(progress, "time", clock)
    return clock


def test_short_work_is_silent(clock, capsys):
    with Progress("encoding", 3, "text") as bar:
        for _ in range(3):
            clock.now += 0.5
            bar.update()
    assert capsys.readouterr().err == ""


def test_long_work_gives_a_line_now_and_then_and_one_at_the_end(clock, capsys):
    with Progress("encoding", 100, "text") as bar:
        for _ in range(100):
            clock.now += 0.5
            bar.update()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "encoding: 4/100 texts, 2 texts/s, 48 s left"
    assert lines[1] == "encoding: 24/100 texts, 2 texts/s, 38 s left"
    assert lines[-1] == "encoding: 100/100 texts, 2 texts/s"
    assert len(lines) == 6


def test_a_line_names_what_is_worked_on(clock, capsys):
    with Progress("cells", 2, "cell") as bar:
        bar.describe("mails, tfidf")
        clock.now += 3
        bar.update()
    assert capsys.readouterr().err.splitlines()[0].endswith("left: mails, tfidf")


def test_nothing_to_do_and_nothing_done(clock, capsys):
    with Progress("encoding", 0, "text"):
        clock.now += 3
    assert capsys.readouterr().err == "encoding: 0/0 texts, 0 texts/s\n"


def test_an_error_passes_through(clock):
    with pytest.raises(RuntimeError), Progress("encoding", 3, "text"):
        raise RuntimeError


def test_a_terminal_gets_no_lines_and_a_bar_that_goes_away(clock, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "QUIET_SECONDS", 0.0)
    with Progress("encoding", 3, "text") as bar:
        bar.describe("mails")
        clock.now += 60
        bar.update(2)
        bar._bar.refresh()
        assert "encoding:  67%" in terminal.getvalue()
        assert "2/3" in terminal.getvalue()
    assert "\n" not in terminal.getvalue()
    assert terminal.getvalue().endswith("\r")


def test_short_work_leaves_a_terminal_alone(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Progress("encoding", 3, "text") as bar:
        bar.update(3)
    assert terminal.getvalue() == ""

"""Progress of long work: a bar in a terminal, plain lines elsewhere, silence when it is short."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

QUIET_SECONDS = 2.0
LINE_SECONDS = 10.0
BEAT_SECONDS = 1.0


class Progress:
    """Counts work done, with rate and time left.

    Nothing is shown before two seconds have gone by. In a terminal a bar is drawn; elsewhere a
    line is printed every ten seconds and one at the end. Both go on while a single unit takes long.

    Args:
        description: What is being done.
        total: How many units there are.
        unit: The singular noun of a unit.
    """

    def __init__(self, description: str, total: int, unit: str) -> None:
        self.description = description
        self.total = total
        self.unit = unit
        self.done = 0
        self._current = ""
        self._started = time.monotonic()
        self._next_line = self._started + QUIET_SECONDS
        self._bar: tqdm[Any] | None = None
        if sys.stderr.isatty():
            columns, rows = shutil.get_terminal_size()
            self._bar = tqdm(
                total=total,
                desc=description,
                unit=unit,
                delay=QUIET_SECONDS,
                leave=False,
                ncols=columns
                - 1,  # some terminals call themselves 0 by 0, and get no bar from tqdm
                nrows=rows,
            )

        self._printing = threading.Lock()
        self._ended = threading.Event()
        self._heart = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Self:
        self._heart.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._heart.join()
        if self._bar is not None:
            self._bar.close()
        elif time.monotonic() - self._started > QUIET_SECONDS:
            self._line()

    def describe(self, text: str) -> None:
        """Says what is being worked on."""
        self._current = f": {text}"
        if self._bar is not None:
            self._bar.set_postfix_str(text, refresh=False)

    def update(self, count: int = 1) -> None:
        """Counts ``count`` more units as done."""
        self.done += count
        if self._bar is not None:
            self._bar.update(count)
        else:
            self._line_when_due()

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            if self._bar is None:
                self._line_when_due()
            elif time.monotonic() - self._started > QUIET_SECONDS:
                self._bar.refresh()

    def _line_when_due(self) -> None:
        with self._printing:
            if time.monotonic() >= self._next_line:
                self._line()
                self._next_line = time.monotonic() + LINE_SECONDS

    def _line(self) -> None:
        seconds = max(time.monotonic() - self._started, 1e-9)
        rate = self.done / seconds
        left = (
            f", {(self.total - self.done) / rate:.0f} s left" if 0 < self.done < self.total else ""
        )
        print(  # noqa: T201
            f"{self.description}: {self.done}/{self.total} {self.unit}s, "
            f"{rate:.3g} {self.unit}s/s{left}{self._current}",
            file=sys.stderr,
            flush=True,
        )

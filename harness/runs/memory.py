"""Peak memory of a piece of work, above where it began."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

import psutil

SAMPLE_SECONDS = 0.02
MEGABYTE = 1e6


class PeakMemory:
    """Samples the process's resident memory while a block runs.

    Attributes:
        peak_mb: The highest sample less the first, in megabytes; never below 0.
    """

    def __init__(self) -> None:
        self.peak_mb = 0.0
        self._process = psutil.Process()
        self._stop = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        self._start = self._process.memory_info().rss
        self._sampler.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._sampler.join()
        self._look()

    def _sample(self) -> None:
        while not self._stop.wait(SAMPLE_SECONDS):
            self._look()

    def _look(self) -> None:
        above = (self._process.memory_info().rss - self._start) / MEGABYTE
        self.peak_mb = max(self.peak_mb, above)

"""Zero-shot: a prompt and no example."""

from __future__ import annotations

from collections.abc import Sequence

from harness.core.types import Example
from harness.methods.base import settings
from harness.methods.prompted import Prompted


@settings
class ZeroShot(Prompted):
    """The label whose words the causal LM finds likeliest after the prompt."""

    def learn(self, train: Sequence[Example], unlabelled: Sequence[Example]) -> None:
        """Learns nothing."""
        self.prepare([])

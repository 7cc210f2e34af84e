"""Zero-shot: a prompt and no example."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, cast

from pydantic import Field

from harness.core.settings import settings
from harness.core.types import Example
from harness.methods.prompted import CALIBRATION, Prompted
from harness.prompting.calibration import Calibration


@settings
class ZeroShot(Prompted):
    """The label whose words the causal LM finds likeliest after the prompt.

    From each label's log-likelihood its mean over unlabelled texts is taken away
    (domain-conditional PMI, Holtzman et al. 2021, "Surface Form Competition"; Fei et al. 2023).
    """

    calibration: Annotated[
        Calibration | None, Field(description=f"{CALIBRATION}; absent: domain, none for choices")
    ] = None

    def learn(self, train: Sequence[Example], unlabelled: Sequence[Example]) -> None:
        """Looks at unlabelled texts, if at anything."""
        self.prepare(cast("Calibration", self.calibrates), unlabelled)
        self.take_scope_threshold(unlabelled)

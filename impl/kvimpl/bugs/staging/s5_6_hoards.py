"""S5.6: inputs are given back at the end, and not before each launch."""

from __future__ import annotations

from collections.abc import Sequence

from kvimpl.bugs.staging.bug import Shows, StagingBug
from kvimpl.device.port import View
from kvimpl.staging import GatheredStaging, Slot


class Hoarded(GatheredStaging):
    """No launch asks what the device is done with, and none waits for it."""

    def _send(self, slots: Sequence[Slot], target: View) -> None:
        self.depth = len(self._pending) + 1
        super()._send(slots, target)

    def _retire(self) -> None:
        pass


BUG = StagingBug(
    id="s5-6-hoards",
    row="S5.6",
    source="what PR #15607 bounds by retiring at each launch",
    sentence="The inputs that are kept grow with the run, not with the depth of the overlap.",
    shows=Shows.STEPS,
    refused_at="launch",
    staging=Hoarded,
)

"""S5.4: the fresh snapshot is given up as soon as the kernel has been launched."""

from __future__ import annotations

from collections.abc import Sequence

from kvimpl.bugs.staging.bug import Shows, StagingBug
from kvimpl.device.port import View
from kvimpl.staging import GatheredStaging, Slot


class FreedAtLaunch(GatheredStaging):
    """What is enough for a copy, which the allocator knows, is done for a kernel."""

    def _send(self, slots: Sequence[Slot], target: View) -> None:
        super()._send(slots, target)
        self._free_oldest()


BUG = StagingBug(
    id="s5-4",
    row="S5.4",
    source="TensorRT-LLM PR #15607: a fresh buffer alone still fails",
    sentence="The allocator knows nothing of the kernel and gives its input out again.",
    shows=Shows.ANY_RUN,
    refused_at="retire",
    staging=FreedAtLaunch,
)

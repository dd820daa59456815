"""S5.7: the event that guards the kernel's inputs is recorded before the kernel."""

from __future__ import annotations

from kvimpl.bugs.staging.bug import Shows, StagingBug
from kvimpl.device.port import Mark, View
from kvimpl.staging import GatheredStaging, Inputs


class EarlyEvent(GatheredStaging):
    """Record, then launch: the mark says that the work before the kernel is done."""

    def _launch(self, inputs: Inputs, count: int, target: View) -> Mark:
        mark = self.device.record(self._done, self.stream)
        self._gather(inputs, count, target)
        return mark


BUG = StagingBug(
    id="s5-7-early-event",
    row="S5.7",
    source="a mutant of the cure of TensorRT-LLM PR #15607",
    sentence="The event completes before the kernel, and the kernel's inputs are freed under it.",
    shows=Shows.PROMPT_DEVICE,
    refused_at="launch",
    staging=EarlyEvent,
)

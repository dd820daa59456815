"""S5.7: the event that guards the kernel's inputs is recorded on another stream."""

from __future__ import annotations

from kvimpl.bugs.staging.bug import Shows, StagingBug
from kvimpl.device.port import Device, Mark, Stream, View
from kvimpl.staging import GatheredStaging, Inputs, PageTable


class WrongStream(GatheredStaging):
    """The mark says that the work of a stream without the kernel is done."""

    def __init__(self, device: Device, table: PageTable, stream: Stream, *, depth: int = 2) -> None:
        super().__init__(device, table, stream, depth=depth)
        self._other = device.stream(f"{table.name}.other")

    def _launch(self, inputs: Inputs, count: int, target: View) -> Mark:
        self._gather(inputs, count, target)
        return self.device.record(self._done, self._other)


BUG = StagingBug(
    id="s5-7-wrong-stream",
    row="S5.7",
    source="a mutant of the cure of TensorRT-LLM PR #15607",
    sentence="The guard is on another stream and says nothing of the kernel.",
    shows=Shows.PROMPT_DEVICE,
    refused_at="launch",
    staging=WrongStream,
)

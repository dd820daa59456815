"""S5.5: rows are read in place and guarded by request, and a slot has a new request at once."""

from __future__ import annotations

from collections.abc import Sequence

from kvimpl.bugs.staging.bug import Shows, StagingBug
from kvimpl.bugs.staging.s5_5_rows import RowsInPlace
from kvimpl.device.port import Device, Mark, Stream, View
from kvimpl.staging import PageTable, Slot
from kvspec.events import RequestId


class GuardedByRequest(RowsInPlace):
    """A request's rows wait for its own gathers; those of the slot's last owner are not its own."""

    def __init__(self, device: Device, table: PageTable, stream: Stream, *, depth: int = 2) -> None:
        super().__init__(device, table, stream, depth=depth)
        self._reading: dict[RequestId, Mark] = {}

    def write(self, slot: Slot, rows: Sequence[Sequence[int]]) -> None:
        mark = self._reading.pop(slot.request, None)
        if mark is not None:
            self.device.synchronize(mark)
        super().write(slot, rows)

    def _send(self, slots: Sequence[Slot], target: View) -> None:
        super()._send(slots, target)
        for slot in slots:
            self._reading[slot.request] = self._pending[-1].mark


BUG = StagingBug(
    id="s5-5-rebound",
    row="S5.5",
    source="TensorRT-LLM IndexMapper::removeSequence, which returns the slot at once",
    sentence="A slot is rebound while a gather of it waits: it takes the rows of the next request.",
    shows=Shows.ANY_RUN,
    refused_at="launch",
    staging=GuardedByRequest,
)

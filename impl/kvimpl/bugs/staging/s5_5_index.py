"""S5.5: the rows are a snapshot, the copy index is not."""

from __future__ import annotations

from collections.abc import Sequence

from kvimpl.bugs.staging.bug import Shows, StagingBug
from kvimpl.device.port import Device, Mode, Space, Stream
from kvimpl.staging import GatheredStaging, Inputs, PageTable, Slot
from kvimpl.staging.shape import PAGE_BYTES, packed


class KeptIndex(GatheredStaging):
    """The whole table is snapshot; one pinned index is refilled from its start for each batch."""

    def __init__(self, device: Device, table: PageTable, stream: Stream, *, depth: int = 2) -> None:
        super().__init__(device, table, stream, depth=depth)
        nbytes = PAGE_BYTES * table.index.slot_count
        self._kept = device.alloc(nbytes, Space.PINNED, label=f"{table.name}.index")

    def _inputs(self, slots: Sequence[Slot]) -> Inputs:
        with self.device.host(self.table.buffer.view(), Mode.READ) as memory:
            table = bytes(memory)
        rows = self._fresh(table, "snapshot")
        index = self._kept.view(0, PAGE_BYTES * len(slots))
        self.device.host_write(index, packed([slot.number for slot in slots]))
        return Inputs(rows.view(), index, self.table.index.slot_count, (rows,))

    def _give_back(self) -> None:
        super()._give_back()
        self.device.free(self._kept)


BUG = StagingBug(
    id="s5-5-index",
    row="S5.5",
    source="TensorRT-LLM IndexMapper::getCopyIndex, whose copyIndex_ is refilled, PR #15607",
    sentence="The copy index is refilled while a gather waits, which then takes other rows.",
    shows=Shows.LATE_DEVICE,
    refused_at="launch",
    staging=KeptIndex,
)

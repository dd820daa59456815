"""S5.3: each change makes a fresh table, and readers stay bound to the old one."""

from __future__ import annotations

from collections.abc import Sequence

from kvimpl.bugs.staging.bug import Shows, StagingBug
from kvimpl.device.port import Buffer, Device, Space, Stream
from kvimpl.staging import CopiedStaging, PageTable, Slot


class ReplacedTable(CopiedStaging):
    """A table is not written while it may be copied: a fresh one takes its place."""

    def __init__(self, device: Device, table: PageTable, stream: Stream) -> None:
        super().__init__(device, table, stream)
        self._old: list[Buffer] = []

    def write(self, slot: Slot, rows: Sequence[Sequence[int]]) -> None:
        old, device = self.table.buffer, self.device
        fresh = device.alloc(old.nbytes, Space.PINNED, label=f"{self.table.name}.fresh")
        device.host_write(fresh.view(), device.host_read(old.view()))
        self._old.append(old)
        self.table.buffer = fresh
        super().write(slot, rows)

    def _give_back(self) -> None:
        for buffer in self._old:
            self.device.free(buffer)


BUG = StagingBug(
    id="s5-3",
    row="S5.3",
    source="the first revision of TensorRT-LLM PR #15546",
    sentence="The table is replaced, so readers on the host that were bound to it see old rows.",
    shows=Shows.READERS,
    refused_at="write_row",
    staging=ReplacedTable,
)

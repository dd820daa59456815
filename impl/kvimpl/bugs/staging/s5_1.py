"""S5.1: one pinned buffer is refilled in place for each copy."""

from __future__ import annotations

from kvimpl.bugs.staging.bug import Shows, StagingBug
from kvimpl.device.port import Buffer, Device, Space, Stream
from kvimpl.staging import CopiedStaging, PageTable


class KeptSource(CopiedStaging):
    """All copies have one source, as long as the largest batch."""

    def __init__(self, device: Device, table: PageTable, stream: Stream) -> None:
        super().__init__(device, table, stream)
        nbytes = table.shape.shipped_bytes(table.index.slot_count)
        self._kept = device.alloc(nbytes, Space.PINNED, label=f"{table.name}.kept")

    def _source(self, nbytes: int) -> Buffer:
        return self._kept

    def _sent(self, source: Buffer) -> None:
        pass

    def _drop(self, source: Buffer) -> None:
        pass

    def _give_back(self) -> None:
        self.device.free(self._kept)


BUG = StagingBug(
    id="s5-1",
    row="S5.1",
    source="TensorRT-LLM copy_batch_block_offsets, mended by PR #15546",
    sentence="The buffer of a pending copy is refilled: it sends the blocks of the next batch.",
    shows=Shows.ANY_RUN,
    refused_at="stage",
    staging=KeptSource,
)

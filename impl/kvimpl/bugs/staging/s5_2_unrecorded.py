"""S5.2: a fresh snapshot, copied by a pointer that the allocator does not know of."""

from __future__ import annotations

from kvimpl.bugs.staging.bug import Shows, StagingBug
from kvimpl.device.kernels import COPY_SLOTS
from kvimpl.device.port import Device, Space, Stream, View
from kvimpl.staging import CopiedStaging, PageTable
from kvimpl.staging.shape import packed


class Unrecorded(CopiedStaging):
    """The bytes are moved by a kernel of one's own, of which nobody tells the allocator."""

    def __init__(self, device: Device, table: PageTable, stream: Stream) -> None:
        super().__init__(device, table, stream)
        only = packed([0, 0])
        self._pairs = device.alloc(len(only), Space.PINNED, label=f"{table.name}.pairs")
        device.host_write(self._pairs.view(), only)

    def _copy(self, target: View, source: View) -> None:
        arguments = (target, source, self._pairs.view(), 1, 1, 1, source.nbytes)
        grid = COPY_SLOTS.grid(arguments)
        self.device.launch(COPY_SLOTS.kernel, arguments, self.stream, grid=grid)

    def _give_back(self) -> None:
        self.device.free(self._pairs)


BUG = StagingBug(
    id="s5-2-unrecorded",
    row="S5.2",
    source="pytorch #68749: a use of a pointer that is not the allocator's is dropped in silence",
    sentence="The snapshot is given out again while its copy is pending.",
    shows=Shows.ANY_RUN,
    refused_at="stage",
    staging=Unrecorded,
)

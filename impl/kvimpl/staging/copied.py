"""Staging by copy (v1): a fresh pinned snapshot a shipment, copied, and freed at once.

It decides how long a snapshot lives: until the copy has been put into the stream. That is enough,
because the allocator of pinned memory knows of every copy and gives the bytes out again only when
it has completed. For a kernel that reads pinned memory it is not: see `gathered`.
"""

from __future__ import annotations

from collections.abc import Sequence

from kvimpl.device.port import Buffer, DeviceError, Space, View
from kvimpl.staging.errors import StagingFault
from kvimpl.staging.index import Slot
from kvimpl.staging.staging import Staging
from kvimpl.staging.table import no_memory
from kvspec.staging_events import GiveUp, MemoryId, SlotNumber, Stage


class CopiedStaging(Staging):
    """One asynchronous copy a shipment; the host computes the offsets."""

    def _send(self, slots: Sequence[Slot], target: View) -> None:
        data = self.table.shape.offsets(self._rows(slots))
        source = self._source(len(data))
        self.device.host_write(source.view(0, len(data)), data)
        try:
            self._copy(target, source.view(0, len(data)))
            self._staged(slots, source)
        except DeviceError as error:
            self._drop(source)
            raise StagingFault(
                f"The device refused to copy {len(data)} bytes of table {self.table.name}: {error}",
                cause="The target was freed, or the device has failed.",
                mend="Pass memory of this device that is still live, and ship again.",
            ) from error
        self._sent(source)

    def _copy(self, target: View, source: View) -> None:
        """Put the copy into the stream; the allocator learns of it."""
        self.device.copy(target, source, self.stream, label="ship")

    def _staged(self, slots: Sequence[Slot], source: Buffer) -> None:
        """The copy is in the stream."""
        number, memory = self._next_shipment(), MemoryId(source.memory)
        if self.table.reporter is not None:
            rows = tuple(SlotNumber(slot.number) for slot in slots)
            self.table.reporter.report(Stage(number, rows, memory, self.stream.name), self)

    def _source(self, nbytes: int) -> Buffer:
        """Pinned memory that nothing else uses."""
        try:
            return self.device.alloc(nbytes, Space.PINNED, label=f"{self.table.name}.snapshot")
        except DeviceError as error:
            raise no_memory(self.table.name, nbytes, error) from error

    def _sent(self, source: Buffer) -> None:
        """The copy is in the stream, and the host lets go of its source."""
        self._drop(source)
        if self.table.reporter is not None:
            self.table.reporter.report(GiveUp(MemoryId(source.memory)), self)

    def _drop(self, source: Buffer) -> None:
        """Give the source back; the allocator keeps it for as long as a copy uses it."""
        self.device.free(source)

    def _give_back(self) -> None:
        """Nothing is held between shipments."""

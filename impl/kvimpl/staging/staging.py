"""What every staging of a page table does alike: check, then send, and close once.

It decides what a shipment must satisfy; how rows travel is decided by `copied` and `gathered`. The
idea: a shipment delivers the rows as they are when it is called, whatever the host does to the
table before the device gets to it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from kvimpl.device.port import Device, Stream, View
from kvimpl.staging.errors import Closed, EmptyBatch, SizeError
from kvimpl.staging.index import Slot
from kvimpl.staging.shape import Rows
from kvimpl.staging.table import PageTable
from kvspec.staging_events import Observation, ShipmentId


class Staging(ABC):
    """Ships rows of one table in one stream.

    For one host thread. The target of a shipment is the caller's: device memory that is not to be
    changed until the work that reads it is done.
    """

    def __init__(self, device: Device, table: PageTable, stream: Stream) -> None:
        self.device, self.table, self.stream = device, table, stream
        self.is_closed = False
        self._shipment_count = 0

    def write(self, slot: Slot, rows: Sequence[Sequence[int]]) -> None:
        """Change the slot's row; shipments already made are not changed by it.

        Raises:
            StaleSlot, SizeError, Closed: as `PageTable.write`.
        """
        self._check_open()
        self.table.write(slot, rows)

    def ship(self, slots: Sequence[Slot], target: View) -> None:
        """Put into the stream what fills `target` with these slots' offsets, as of now.

        The target has pool after pool; in each a request after the other, in the order of `slots`;
        of each the row of keys, then that of values. Its start is a multiple of four bytes.

        Raises:
            EmptyBatch: no slot is given.
            StaleSlot: a slot is not its request's any more.
            SizeError: the target is not as long as the batch.
            StagingFault: the device refused, and nothing was shipped.
            Closed: the staging or its table is closed.
            DeviceFailed, DeviceStuck: the port's; met while waiting for an earlier shipment, and
                nothing was shipped.
        """
        self._check_open()
        if not slots:
            raise EmptyBatch(
                f"A batch of no requests was to be shipped from table {self.table.name}.",
                cause="The scheduler had nothing to run in this iteration.",
                mend="Skip the shipment when the batch is empty.",
            )
        self.table.check(slots)
        needed = self.table.shape.shipped_bytes(len(slots))
        if target.nbytes != needed or target.start % 4:
            raise SizeError(
                f"{target} has {target.nbytes} bytes from {target.start}, and {len(slots)} requests"
                f" take {needed}, from a multiple of 4.",
                cause="The target was made for another batch or table.",
                mend="Make it shape.shipped_bytes(len(slots)) long.",
            )
        self._send(slots, target)

    def close(self) -> None:
        """Wait for what was shipped and give all memory back; the table is its owner's to close.

        Closing twice is closing once. Raises: the port's DeviceFailed or DeviceStuck, when the
        device does not come to an end; the staging is then still open.
        """
        if not self.is_closed:
            self.device.synchronize(self.stream)
            self._give_back()
            self.is_closed = True

    @abstractmethod
    def _send(self, slots: Sequence[Slot], target: View) -> None:
        """The shipment itself; all is checked but the device."""

    @abstractmethod
    def _give_back(self) -> None:
        """Free what is still held; nothing in the stream uses it."""

    def observe(self) -> Observation:
        """What the table shows."""
        return self.table.observe()

    def _next_shipment(self) -> ShipmentId:
        """The number of the shipment that has just been put into the stream."""
        self._shipment_count += 1
        return ShipmentId(self._shipment_count - 1)

    def _check_open(self) -> None:
        if self.is_closed:
            raise Closed(
                f"The staging of table {self.table.name} is closed.",
                cause="An iteration ran after the end.",
                mend="Ship all before close, or build a new staging.",
            )

    def _rows(self, slots: Sequence[Slot]) -> list[Rows]:
        return [self.table.read(slot) for slot in slots]

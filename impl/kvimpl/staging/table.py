"""The page table of the host: full size, one place in memory for its whole life.

It decides where rows are and who may change them; shipping them is the business of `copied` and
`gathered`. The idea: code on the host reads the rows at any time, through readers that were bound
to the memory once, so the table is changed in place and never replaced.
"""

from __future__ import annotations

from collections.abc import Sequence

from kvimpl.device.port import Buffer, Device, DeviceError, Mode, Space
from kvimpl.staging.errors import Closed, StagingFault
from kvimpl.staging.index import IndexMapper, Slot
from kvimpl.staging.shape import BAD_PAGE, Rows, TableShape, packed, unpacked
from kvspec.staging_events import (
    Ask,
    MemoryId,
    Observation,
    OpenTable,
    ReaderId,
    Reporter,
    SlotNumber,
    WriteRow,
)


class PageTable:
    """A row a slot in each pool. Several tables, told apart by `name`, may share one index.

    For one host thread, or for callers with a lock of their own. `reporter` is told of each row
    that is written and each reader that is made; so it is by a staging of the table.

    Raises:
        StagingFault: the device gave no memory; nothing stays allocated.
    """

    def __init__(
        self,
        device: Device,
        shape: TableShape,
        index: IndexMapper,
        *,
        name: str = "target",
        reporter: Reporter | None = None,
    ) -> None:
        self.shape, self.index, self.name = shape, index, name
        self._device = device
        nbytes = shape.table_bytes(index.slot_count)
        try:
            self.buffer = device.alloc(nbytes, Space.PINNED, label=f"{name}.table")
        except DeviceError as error:
            raise no_memory(name, nbytes, error) from error
        self.is_closed = False
        self.reporter, self._reader_count = reporter, 0
        device.host_write(self.buffer.view(), packed([BAD_PAGE]) * (nbytes // 4))
        if reporter is not None:
            reporter.report(OpenTable(MemoryId(self.buffer.memory)), self)

    def write(self, slot: Slot, rows: Sequence[Sequence[int]]) -> None:
        """The slot's pages from now on, a row a pool, in place; other slots keep theirs.

        Raises:
            StaleSlot: the slot is not its request's any more.
            SizeError: a row or page that does not fit.
            Closed: the table is closed.
        """
        self.check([slot])
        full = self.shape.full(rows)
        for pool, row in enumerate(full):
            start = self.row_at(pool, slot)
            view = self.buffer.view(start, start + self.shape.row_bytes)
            self._device.host_write(view, packed(row))
        if self.reporter is not None:
            wrote = WriteRow(slot.request, SlotNumber(slot.number), full)
            self.reporter.report(wrote, self)

    def read(self, slot: Slot) -> Rows:
        """The slot's pages as they are now. Raises: StaleSlot, Closed."""
        return TableReader(self, self._device).read(slot)

    def reader(self) -> TableReader:
        """A reader bound to the table's memory; it is good until the table is closed.

        Raises:
            Closed: the table is closed.
        """
        self.check([])
        made = TableReader(self, self._device)
        if self.reporter is not None:
            asked = Ask(ReaderId(self._reader_count), MemoryId(self.buffer.memory))
            self._reader_count += 1
            self.reporter.report(asked, self)
        return made

    def row_at(self, pool: int, slot: Slot) -> int:
        """Where the slot's row begins in the buffer."""
        return self.shape.row_at(pool, slot.number, self.index.slot_count)

    def check(self, slots: Sequence[Slot]) -> None:
        """Return if all of them may be used now. Raises: StaleSlot, Closed."""
        if self.is_closed:
            raise Closed(
                f"Table {self.name} is closed.",
                cause="It was closed before those who use it.",
                mend="Close the table last.",
            )
        for slot in slots:
            self.index.check(slot)

    def observe(self) -> Observation:
        """What the index shows, and where the table is."""
        return self.index.observe()._replace(table=MemoryId(self.buffer.memory))

    def close(self) -> None:
        """Give the memory back. What ships from the table is to be closed first. Twice is once."""
        if not self.is_closed:
            self.is_closed = True
            self._device.free(self.buffer)


class TableReader:
    """Rows read on the host, from the memory that the table had when the reader was made."""

    def __init__(self, table: PageTable, device: Device) -> None:
        self._table, self._device = table, device
        self._buffer: Buffer = table.buffer

    def read(self, slot: Slot) -> Rows:
        """The slot's pages as they are now, a row a pool. Raises: StaleSlot, Closed."""
        self._table.check([slot])
        shape = self._table.shape
        with self._device.host(self._buffer.view(), Mode.READ) as memory:
            starts = [self._table.row_at(pool, slot) for pool in range(len(shape.pools))]
            return tuple(unpacked(memory[at : at + shape.row_bytes]) for at in starts)


def no_memory(name: str, nbytes: int, error: DeviceError) -> StagingFault:
    """The refusal of a device that gave no memory, in words."""
    return StagingFault(
        f"The device gave no {nbytes} bytes for table {name}: {error}",
        cause="The memory is full, or the device has failed.",
        mend="Free memory or choose smaller sizes, and call again.",
    )

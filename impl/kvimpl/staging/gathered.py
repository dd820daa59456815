"""Staging by a gather kernel (v2): rows and copy index are read from pinned memory by the kernel.

It decides how long what the kernel reads is kept. The idea: the allocator of pinned memory learns
nothing of kernels, so each shipment has its own snapshot of the rows and its own copy index, and
both are kept until an event recorded behind the kernel has completed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kvimpl.device.kernels import GATHER_BLOCK_OFFSETS
from kvimpl.device.port import Buffer, Device, DeviceError, Mark, Space, Stream, View
from kvimpl.staging.errors import SizeError, StagingFault
from kvimpl.staging.index import Slot
from kvimpl.staging.shape import PAGE_BYTES, packed
from kvimpl.staging.staging import Staging
from kvimpl.staging.table import PageTable, no_memory
from kvspec.staging_events import Kept, Launch, MemoryId, Observation, Retire, ShipmentId


@dataclass(frozen=True, slots=True)
class Inputs:
    """What one launch reads: `row_count` rows a pool, the rows' numbers, and what to free then."""

    rows: View
    index: View
    row_count: int
    owned: tuple[Buffer, ...]


@dataclass(frozen=True, slots=True)
class Pending:
    """A shipment whose inputs are kept until its mark is done."""

    number: ShipmentId
    mark: Mark
    inputs: Inputs


class GatheredStaging(Staging):
    """One gather kernel a shipment; the kernel computes the offsets.

    At most `depth` shipments are kept, so that memory is bounded by how far the host runs ahead:
    the next one waits for the oldest.

    Raises:
        SizeError: the depth is not positive.
        StagingFault: the device gave no memory; nothing stays allocated.
    """

    def __init__(self, device: Device, table: PageTable, stream: Stream, *, depth: int = 2) -> None:
        super().__init__(device, table, stream)
        if depth < 1:
            raise SizeError(
                f"A depth of {depth} shipments was asked for.",
                cause="The number of iterations that the host runs ahead was passed as nothing.",
                mend="Pass a depth of at least 1.",
            )
        self.depth = depth
        self._done = device.event(f"{table.name}.gathered")
        self._pending: list[Pending] = []
        self._scales = self._uploaded()

    @property
    def pending_count(self) -> int:
        """How many shipments' memory is kept, of which the device may be done with some."""
        return len(self._pending)

    def _send(self, slots: Sequence[Slot], target: View) -> None:
        self._retire()
        if len(self._pending) >= self.depth:
            self.device.synchronize(self._pending[0].mark)
            self._free_oldest()
        inputs = self._inputs(slots)
        try:
            mark = self._launch(inputs, len(slots), target)
        except DeviceError as error:
            for buffer in inputs.owned:
                self.device.free(buffer)
            raise StagingFault(
                f"The device refused to gather {len(slots)} rows of table {self.table.name}: "
                f"{error}",
                cause="The target is not device memory that is still live, or the device has "
                "failed.",
                mend="Pass device memory that is still live, and ship again.",
            ) from error
        self._launched(slots, mark, inputs)

    def _launched(self, slots: Sequence[Slot], mark: Mark, inputs: Inputs) -> None:
        """The kernel and its event are in the stream."""
        pending = Pending(self._next_shipment(), mark, inputs)
        self._pending.append(pending)
        if self.table.reporter is not None:
            requests = tuple(slot.request for slot in slots)
            source = MemoryId(inputs.rows.buffer.memory)
            launch = Launch(pending.number, requests, source, self.stream.name)
            self.table.reporter.report(launch, self)

    def _inputs(self, slots: Sequence[Slot]) -> Inputs:
        """A snapshot of the slots' rows, and the index 0, 1, 2 and so on."""
        numbers, rows = packed(range(len(slots))), self._rows_of(slots)
        snapshot = self._fresh(numbers + rows, "snapshot")
        split = len(numbers)
        return Inputs(snapshot.view(split), snapshot.view(0, split), len(slots), (snapshot,))

    def _launch(self, inputs: Inputs, count: int, target: View) -> Mark:
        """The kernel, and behind it the event that says when its inputs may be freed."""
        self._gather(inputs, count, target)
        try:
            return self.device.record(self._done, self.stream)
        except DeviceError:
            self.device.synchronize(self.stream)
            raise

    def _retire(self) -> None:
        """Free, oldest first, what the device says that it is done with."""
        while self._pending and self.device.query(self._pending[0].mark):
            self._free_oldest()

    def _give_back(self) -> None:
        while self._pending:
            self._free_oldest()
        self.device.free(self._scales)

    def observe(self) -> Observation:
        """What the table shows, and what is kept."""
        kept = tuple(
            Kept(
                one.number,
                MemoryId(one.inputs.rows.buffer.memory),
                (one.mark.event.number, one.mark.number),
            )
            for one in self._pending
        )
        return super().observe()._replace(kept=kept)

    # ---- parts

    def _gather(self, inputs: Inputs, count: int, target: View) -> None:
        shape = self.table.shape
        half = PAGE_BYTES * len(shape.pools)
        sizes = (len(shape.pools), count, inputs.row_count, shape.width)
        scales, value_offsets = self._scales.view(0, half), self._scales.view(half)
        arguments = (target, inputs.rows, inputs.index, scales, value_offsets, *sizes)
        GATHER_BLOCK_OFFSETS.refuse_misfit(arguments)
        grid = GATHER_BLOCK_OFFSETS.grid(arguments)
        self.device.launch(GATHER_BLOCK_OFFSETS.kernel, arguments, self.stream, grid=grid)

    def _free_oldest(self) -> None:
        oldest = self._pending.pop(0)
        for buffer in oldest.inputs.owned:
            self.device.free(buffer)
        if self.table.reporter is not None:
            self.table.reporter.report(Retire(oldest.number), self)

    def _rows_of(self, slots: Sequence[Slot]) -> bytes:
        """The slots' rows, pool after pool, as the kernel takes them."""
        batch = self._rows(slots)
        pools = range(len(self.table.shape.pools))
        return b"".join(packed(rows[pool]) for pool in pools for rows in batch)

    def _fresh(self, data: bytes, what: str) -> Buffer:
        """Pinned memory of its own for these bytes."""
        label = f"{self.table.name}.{what}"
        try:
            buffer = self.device.alloc(len(data), Space.PINNED, label=label)
        except DeviceError as error:
            raise no_memory(self.table.name, len(data), error) from error
        self.device.host_write(buffer.view(), data)
        return buffer

    def _uploaded(self) -> Buffer:
        """The pools' scales, then their value offsets, in device memory."""
        pools = self.table.shape.pools
        numbers = [pool.scale for pool in pools] + [pool.value_offset for pool in pools]
        source = self._fresh(packed(numbers), "scales")
        label, scales = f"{self.table.name}.pools", None
        try:
            scales = self.device.alloc(source.nbytes, Space.DEVICE, label=label)
            self.device.copy(scales.view(), source.view(), self.stream, label="scales")
        except DeviceError as error:
            if scales is not None:
                self.device.free(scales)
            raise no_memory(self.table.name, source.nbytes, error) from error
        finally:
            self.device.free(source)
        return scales

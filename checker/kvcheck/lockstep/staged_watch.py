"""What a simulated device was told of shipments, has executed of them, and what they read.

It decides nothing about what is allowed; a `StagedJudge` asks it. The idea: every call of a staging
passes through here and on, so a shipment is known by the call that put it into its stream; a kernel
is sent with a body that notes what it reads, and what the device executes before the host has told
of it is kept until then.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from kvimpl.device import port
from kvimpl.device.kernels import GATHER_BLOCK_OFFSETS
from kvimpl.device.port.values import Argument, Bytes, Waitable
from kvimpl.device.sim import SimDevice
from kvimpl.staging.shape import PAGE_BYTES, PoolScale, TableShape, unpacked
from kvspec.staging_events import MarkId, MemoryId, Rows, ShipmentId

MARKS_MAX = 65_536  # a mark is one shipment's or one iteration's; older ones are not asked again


@dataclass(slots=True)
class Sent:
    """A copy or a launch, with its place in the order of calls; `reads` is what its kernel read."""

    place: int
    stream: port.Stream
    views: tuple[port.View, ...]
    counts: tuple[int, ...]
    op: port.Op | None = None
    is_executed: bool = False
    reads: list[tuple[int, bytes]] = field(default_factory=list)

    @property
    def is_gather(self) -> bool:
        """Whether it is a gather kernel's launch; otherwise it moves bytes as they are."""
        return len(self.views) == len(_POINTERS)

    @property
    def source(self) -> port.View:
        """Where its rows come from."""
        return self.views[1]


_POINTERS = ("out", "rows", "copy_index", "scales", "value_offsets")


class ShipmentWatch:
    """A device that passes calls on, and what it learned of the shipments of one staging.

    Make one for a run, give `executed` to the `SimDevice`, and that device to `over`.
    """

    def __init__(self, shape: TableShape) -> None:
        self.shape = shape
        self.on_finish: Callable[[ShipmentId], None] = _nobody
        self.on_learn: Callable[[], None] = _nobody
        self.sent: dict[ShipmentId, Sent] = {}
        self._device: Any = None  # a SimDevice, from `over` on
        self._place = 0
        self._known: dict[int, int] = {}
        self._last: dict[int, int] = {}
        self._marks: OrderedDict[MarkId, tuple[int, int]] = OrderedDict()
        self._latest: dict[int, MarkId] = {}
        self._memory: dict[int, port.Buffer] = {}
        self._sources: dict[int, port.Buffer] = {}
        self._untold: list[Sent] = []
        self._by_op: dict[int, tuple[ShipmentId, Sent]] = {}

    def over(self, device: SimDevice) -> port.Device:
        """The device that the staging is to be given."""
        self._device = device
        return cast("port.Device", self)  # calls that are not here are passed on

    def __getattr__(self, name: str) -> Any:  # Any: whatever the device has under that name
        return getattr(self._device, name)

    # ---- calls

    def alloc(self, nbytes: int, space: port.Space, *, label: str) -> port.Buffer:
        """See the port."""
        made: port.Buffer = self._device.alloc(nbytes, space, label=label)
        self._memory[made.memory] = made
        return made

    def free(self, buffer: port.Buffer) -> None:
        """See the port."""
        self._device.free(buffer)
        self._sources.pop(buffer.number, None)

    def copy(
        self, destination: port.View, source: port.View, stream: port.Stream, *, label: str = "copy"
    ) -> port.Op:
        """See the port."""
        sent = self._send(stream, (destination, source), ())
        sent.op = self._device.copy(destination, source, stream, label=label)
        return sent.op

    def launch(
        self,
        kernel: port.Kernel,
        arguments: Sequence[Argument],
        stream: port.Stream,
        *,
        grid: port.Grid | None = None,
    ) -> port.Op:
        """See the port."""
        views = tuple(a for a in arguments if isinstance(a, port.View))
        counts = tuple(a for a in arguments if isinstance(a, int))
        is_gather = kernel.name == GATHER_BLOCK_OFFSETS.kernel.name
        if len(views) < 2:  # it moves nothing from one place to another
            self._step(stream)
            made: port.Op = self._device.launch(kernel, arguments, stream, grid=grid)
            return made
        sent = self._send(stream, views if is_gather else views[:2], counts)
        if is_gather:
            body = kernel.body
            kernel = replace(kernel, body=lambda given: body(_noted(given, sent)))
        sent.op = self._device.launch(kernel, arguments, stream, grid=grid)
        return sent.op

    def record(self, event: port.Event, stream: port.Stream) -> port.Mark:
        """See the port."""
        mark: port.Mark = self._device.record(event, stream)
        name = self._latest[event.number] = (event.number, mark.number)
        self._marks[name] = (stream.number, self._step(stream))
        if len(self._marks) > MARKS_MAX:
            self._marks.popitem(last=False)
        return mark

    def query(self, on: Waitable) -> bool:
        """See the port."""
        bound = self._bound(on)
        done: bool = self._device.query(on)
        if done:
            self._learn(bound)
        return done

    def synchronize(self, on: Waitable | None = None) -> None:
        """See the port."""
        bound = self._bound(on)
        self._device.synchronize(on)
        self._learn(bound)

    # ---- what it knows

    def executed(self, op: port.Op) -> None:
        """The device has executed an operation."""
        for sent in self._untold:
            if sent.op is not None and sent.op.number == op.number:
                sent.is_executed = True
                self._keep_read(sent)
                return
        told = self._by_op.pop(op.number, None)
        if told is not None:
            shipment, sent = told
            sent.is_executed = True
            self._keep_read(sent)
            self.on_finish(shipment)

    def tell(self, shipment: ShipmentId) -> Sent | None:
        """The host has told of a shipment: it is the last that was sent and not told of."""
        untold, self._untold = self._untold, []
        if not untold:
            return None
        sent = self.sent[shipment] = untold[-1]
        self._sources[sent.source.buffer.number] = sent.source.buffer
        return sent

    def release(self, shipment: ShipmentId) -> None:
        """The shipment's step was taken: what has executed of it may be heard."""
        sent = self.sent[shipment]
        if sent.is_executed:
            self.on_finish(shipment)
        else:
            assert sent.op is not None
            self._by_op[sent.op.number] = (shipment, sent)

    def forget(self, shipment: ShipmentId) -> None:
        """Nobody will ask about the shipment again."""
        self.sent.pop(shipment, None)

    def is_known(self, shipment: ShipmentId) -> bool:
        """Whether the host knows that the shipment is complete."""
        sent = self.sent[shipment]
        return self._known.get(sent.stream.number, 0) >= sent.place

    def is_told(self, mark: MarkId) -> bool:
        """Whether the host knows that the mark is done, since it waited or was answered yes."""
        stream, place = self._marks[mark]
        return self._known.get(stream, 0) >= place

    def stands_for(self, mark: MarkId, shipment: ShipmentId) -> bool:
        """Whether the shipment is in the mark's stream, before it."""
        stream, place = self._marks[mark]
        sent = self.sent[shipment]
        return sent.stream.number == stream and sent.place < place

    def read(self, shipment: ShipmentId) -> tuple[Rows, ...]:
        """What the executed shipment read: a request's rows after the other."""
        sent = self.sent[shipment]
        if not sent.is_gather:
            return self._rows_of(sent.reads[0][1])
        return self._gathered([data for at, data in sent.reads if at == 1], sent)

    def to_read(self, shipment: ShipmentId) -> tuple[Rows, ...]:
        """What the shipment would read if it were executed now."""
        sent = self.sent[shipment]
        if not sent.is_gather:
            return self._rows_of(self._device.peek(sent.source))
        rows, index = (self._device.peek(view) for view in sent.views[1:3])
        return self._gathered(list(_picked(rows, unpacked(index), sent.counts)), sent)

    def table_rows(self, memory: MemoryId, slot_count: int) -> tuple[Rows, ...]:
        """The rows in a table's memory, by slot."""
        whole, width = self._device.peek(self._memory[memory].view()), self.shape.row_bytes
        pools = range(len(self.shape.pools))
        starts = [[self.shape.row_at(p, s, slot_count) for p in pools] for s in range(slot_count)]
        return tuple(
            tuple(unpacked(whole[at : at + width]) for at in of_slot) for of_slot in starts
        )

    def noted(self) -> dict[MemoryId, frozenset[str]]:
        """The streams that the allocator knows to use each source that is not freed."""
        return {
            MemoryId(one.memory): frozenset(self._device.noted(one))
            for one in self._sources.values()
        }

    # ---- building blocks

    def _step(self, stream: port.Stream) -> int:
        self._place += 1
        self._last[stream.number] = self._place
        return self._place

    def _send(
        self, stream: port.Stream, views: tuple[port.View, ...], counts: tuple[int, ...]
    ) -> Sent:
        sent = Sent(self._step(stream), stream, views, counts)
        self._untold.append(sent)
        return sent

    def _keep_read(self, sent: Sent) -> None:
        if not sent.is_gather:
            sent.reads = [(1, self._device.peek(sent.views[0]))]

    def _bound(self, on: Waitable | None) -> dict[int, int]:
        """By stream, up to where it is done once this is: bound at the call, as the device does."""
        if on is None:
            return dict(self._last)
        if isinstance(on, port.Stream):
            return {on.number: self._last.get(on.number, 0)}
        name = (on.event.number, on.number) if isinstance(on, port.Mark) else None
        mark = self._marks.get(name or self._latest.get(on.number, (0, 0)))
        return {} if mark is None else {mark[0]: mark[1]}

    def _learn(self, bound: dict[int, int]) -> None:
        for stream, place in bound.items():
            self._known[stream] = max(place, self._known.get(stream, 0))
        self.on_learn()

    def _rows_of(self, shipped: bytes) -> tuple[Rows, ...]:
        """The rows that these offsets were made of; offsets that no row has are left as they are.

        They lie pool after pool, a request after the other, keys then values.
        """
        numbers, width = unpacked(shipped), self.shape.width
        count = len(numbers) // (2 * width * len(self.shape.pools))
        batch: list[list[tuple[int, ...]]] = [[] for _ in range(count)]
        for number, pool in enumerate(self.shape.pools):
            for place in range(count):
                start = (number * count + place) * 2 * width
                keys, values = (numbers[at : at + width] for at in (start, start + width))
                batch[place].append(_pages(pool, keys, values) or (*keys, *values))
        return tuple(map(tuple, batch))

    def _gathered(self, rows: Sequence[bytes], sent: Sent) -> tuple[Rows, ...]:
        pools, count = sent.counts[:2]
        numbers = [unpacked(row) for row in rows]
        return tuple(
            tuple(numbers[p * count + at] for p in range(pools) if p * count + at < len(numbers))
            for at in range(count)
        )


def _pages(pool: PoolScale, keys: Sequence[int], values: Sequence[int]) -> tuple[int, ...] | None:
    """The pages that have these offsets, if there are any."""
    pages = tuple(key if key < 0 else key // pool.scale for key in keys)
    due = [page if page < 0 else page * pool.scale for page in pages]
    made = [key if key < 0 else key + pool.value_offset for key in due]
    return pages if (due, made) == (list(keys), list(values)) else None


def _picked(rows: bytes, index: Sequence[int], counts: Sequence[int]) -> Iterator[bytes]:
    """The rows that an index names, pool after pool; one that there is not is empty."""
    pools, _, row_count, width = counts
    for pool in range(pools):
        for row in index:
            start = (pool * row_count + row) * width * PAGE_BYTES
            yield rows[start : start + width * PAGE_BYTES] if 0 <= row < row_count else b""


class _Noted:
    """A kernel's argument that notes what is read of it."""

    def __init__(self, inner: Bytes, number: int, reads: list[tuple[int, bytes]]) -> None:
        self._inner, self._number, self._reads = inner, number, reads

    @property
    def nbytes(self) -> int:
        return self._inner.nbytes

    def read(self, start: int = 0, stop: int | None = None) -> bytes:
        data = self._inner.read(start, stop)
        self._reads.append((self._number, data))
        return data

    def write(self, data: bytes, start: int = 0) -> None:
        self._inner.write(data, start)


def _noted(given: Sequence[Bytes | int], sent: Sent) -> list[Bytes | int]:
    return [
        one if isinstance(one, int) else _Noted(one, number, sent.reads)
        for number, one in enumerate(given)
    ]


def _nobody(*_: object) -> None:
    """Heard by nobody."""

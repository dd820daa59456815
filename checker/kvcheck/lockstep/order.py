"""The order of copies as the device was told it, held against the copies design.

It decides whether each copy, and each step of compute, comes after what it must; slots' owners are
the pool's business. The idea: the implementation is given a device that passes every call on and
notes, for each stream, how much of every stream it comes after; so the rules of the copies design
are comparisons of counts, and what is kept does not grow with the run.

It sees what goes through it: compute has to be launched on the same watched device. What one host
task has waited for counts for all of them.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence
from threading import Lock
from typing import Any, cast

import kvspec.events as events
from kvcheck.lockstep.ghosts import Ghosts
from kvcheck.lockstep.parts import WrongPart
from kvcheck.lockstep.tiers import PENDING
from kvimpl.device import port
from kvimpl.device.port.values import Argument, Waitable
from kvspec.events import Event, Shape, SlotId
from kvspec.lang.state import State

MARKS_MAX = 4096  # marks of one step are a few a copy; older ones are not waited for again

BEGINS = "both copy streams wait for the compute so far"
ENDS = "compute waits for both copy streams"
SOURCE = "a copy waits for pending writes of its source"
TARGET = "a copy waits for all pending uses of its target"
COMPLETE = "the copy that is called complete has executed"
ENQUEUED = "the copies in the device are the pending ones"

Clock = dict[int, int]


class WatchedDevice:
    """A device that passes calls on, and a witness of their order.

    `compute` is the stream of the kernels, of the device that is wrapped.
    """

    def __init__(self, device: Any, *, compute: port.Stream) -> None:  # Any: a port, maybe in part
        self._device, self._compute = device, compute
        self._streams: dict[int, Clock] = {compute.number: {}}
        self._copying: dict[events.Stream, port.Stream] = {}
        self._host: Clock = {}
        self._marks: OrderedDict[int, Clock] = OrderedDict()
        self._latest: dict[int, int] = {}
        self._reads: dict[tuple[int, int], Clock] = {}
        self._writes: dict[tuple[int, int], Clock] = {}
        self._pending: dict[events.Stream, deque[tuple[port.Op | None, port.View, port.View]]] = {
            stream: deque() for stream in events.Stream
        }
        self._levels: dict[str, port.Buffer] = {}
        self._wrong: WrongPart | None = None
        self._learning = Lock()
        self.compute_count = 0

    def __getattr__(self, name: str) -> Any:  # Any: whatever the device has under that name
        return getattr(self._device, name)

    @property
    def device(self) -> port.Device:
        """Itself, for who asks for a device."""
        return cast("port.Device", self)  # calls that are not here are passed on

    @property
    def blind_spots(self) -> frozenset[str]:
        """What this witness was not shown."""
        spots = set() if self.compute_count else {"compute"}
        if not hasattr(self._device, "queued"):
            spots.add("execution")
        return frozenset(spots)

    # ---- calls

    def alloc(self, nbytes: int, space: port.Space, *, label: str) -> port.Buffer:
        """See the port."""
        made: port.Buffer = self._device.alloc(nbytes, space, label=label)
        self._levels.setdefault(label, made)
        return made

    def stream(self, name: str, *, blocking: bool = False) -> port.Stream:
        """See the port."""
        made: port.Stream = self._device.stream(name, blocking=blocking)
        self._streams[made.number] = {}
        for own in events.Stream:
            if name.endswith(f".{own.name.lower()}"):
                self._copying[own] = made
        return made

    def record(self, event: port.Event, stream: port.Stream) -> port.Mark:
        """See the port."""
        mark: port.Mark = self._device.record(event, stream)
        self._marks[mark.number] = {**self._host, **self._clock(stream)}
        self._latest[event.number] = mark.number
        if len(self._marks) > MARKS_MAX:
            self._marks.popitem(last=False)
        return mark

    def wait(self, stream: port.Stream, on: port.Event | port.Mark) -> None:
        """See the port."""
        self._device.wait(stream, on)
        _join(self._clock(stream), self._after(on))

    def query(self, on: Waitable) -> bool:
        """See the port."""
        done: bool = self._device.query(on)
        if done:
            self._learn(self._after(on))
        return done

    def synchronize(self, on: Waitable | None = None) -> None:
        """See the port."""
        self._device.synchronize(on)
        for clock in list(self._streams.values()) if on is None else [self._after(on)]:
            self._learn(clock)

    def copy(
        self, destination: port.View, source: port.View, stream: port.Stream, *, label: str = "copy"
    ) -> port.Op:
        """See the port."""
        made: port.Op = self._device.copy(destination, source, stream, label=label)
        after = {**self._clock(stream)}
        _join(after, self._host)
        self._enqueued(stream)
        for own, copying in self._copying.items():
            if copying.number == stream.number:
                self._judge_copy(after, source, destination)
                self._pending[own].append((made, source, destination))
                self._note(stream, source, destination)
        return made

    def fill(
        self, destination: port.View, byte: int, stream: port.Stream, *, label: str = "fill"
    ) -> port.Op:
        """See the port."""
        made: port.Op = self._device.fill(destination, byte, stream, label=label)
        self._enqueued(stream)
        return made

    def launch(
        self,
        kernel: port.Kernel,
        arguments: Sequence[Argument],
        stream: port.Stream,
        *,
        grid: port.Grid | None = None,
    ) -> port.Op:
        """See the port."""
        made: port.Op = self._device.launch(kernel, arguments, stream, grid=grid)
        self._enqueued(stream)
        return made

    # ---- as a witness

    def see(self, event: Event, state: State, ghosts: Ghosts, shape: Shape) -> WrongPart | None:
        """What the device was told, or has done, against the design at this event."""
        wrong, self._wrong = self._wrong, None
        if wrong is not None:
            return wrong
        match event:
            case events.BeginStep():
                return next(
                    filter(None, (self._comes_after(s, self._compute, BEGINS) for s in self._both)),
                    None,
                )
            case events.EndStep():
                return next(
                    filter(None, (self._comes_after(self._compute, s, ENDS) for s in self._both)),
                    None,
                )
            case events.Complete(stream=stream):
                return self._has_executed(stream)
            case events.OffloadAllocate(stream=stream) | events.Onboard(stream=stream):
                return self._as_pending(stream, state, shape)
        return None

    def bytes_of(self, slot: SlotId, shape: Shape) -> bytes:
        """A slot's bytes as they are, without a step."""
        primary = shape.primary_count
        buffer = self._levels["primary" if slot < primary else "secondary"]
        count = primary if slot < primary else shape.secondary_count
        index, size = slot if slot < primary else slot - primary, buffer.nbytes // count
        found: bytes = self._device.peek(buffer.view(index * size, (index + 1) * size))
        return found

    # ---- building blocks

    @property
    def _both(self) -> tuple[port.Stream, ...]:
        return tuple(self._copying.values())

    def _clock(self, stream: port.Stream) -> Clock:
        return self._streams.setdefault(stream.number, {})

    def _after(self, on: Waitable) -> Clock:
        if isinstance(on, port.Stream):
            return self._clock(on)
        number = on.number if isinstance(on, port.Mark) else self._latest.get(on.number, -1)
        return self._marks.get(number, {})

    def _learn(self, clock: Clock) -> None:
        """The host has waited; on a CUDA device several threads do so at once."""
        with self._learning:
            _join(self._host, clock)

    def _enqueued(self, stream: port.Stream) -> None:
        clock = self._clock(stream)
        _join(clock, self._host)
        clock[stream.number] = clock.get(stream.number, 0) + 1
        self.compute_count += stream.number == self._compute.number

    def _judge_copy(self, after: Clock, source: port.View, target: port.View) -> None:
        for label, view, uses in (
            (SOURCE, source, self._writes),
            (TARGET, target, self._writes),
            (TARGET, target, self._reads),
        ):
            missing = _missing(after, uses.get(_place(view), {}))
            if missing and self._wrong is None:
                self._wrong = WrongPart(label, ((str(view), missing),))

    def _note(self, stream: port.Stream, source: port.View, target: port.View) -> None:
        here = {stream.number: self._clock(stream)[stream.number]}
        _join(self._reads.setdefault(_place(source), {}), here)
        self._writes[_place(target)] = here
        self._reads.pop(_place(target), None)

    def _comes_after(
        self, later: port.Stream, earlier: port.Stream, label: str
    ) -> WrongPart | None:
        known = dict(self._clock(later))
        _join(known, self._host)
        sent = self._clock(earlier).get(earlier.number, 0)
        waited = known.get(earlier.number, 0)
        if waited >= sent:
            return None
        said = f"{waited} of {sent} works of {earlier}"
        return WrongPart(label, ((f"{later} comes after", said),))

    def _has_executed(self, stream: events.Stream) -> WrongPart | None:
        if not self._pending[stream]:
            return WrongPart(COMPLETE, ((f"copies sent on {stream.name}", "none"),))
        op, source, target = self._pending[stream].popleft()
        if "execution" in self.blind_spots:
            return None
        if op not in self._device.queued(self._copying[stream]):
            return None
        return WrongPart(COMPLETE, ((f"{source} to {target}", "still in its stream"),))

    def _as_pending(self, stream: events.Stream, state: State, shape: Shape) -> WrongPart | None:
        sent = tuple([(_slot(s, shape), _slot(t, shape)) for _, s, t in self._pending[stream]])
        wanted = state[PENDING][stream]
        if sent == wanted:
            return None
        return WrongPart(ENQUEUED, (("sent", str(sent)), ("pending", str(wanted))))


def _slot(view: port.View, shape: Shape) -> int:
    first = 0 if view.buffer.label == "primary" else shape.primary_count
    return first + view.start // view.nbytes


def _place(view: port.View) -> tuple[int, int]:
    return view.buffer.number, view.start


def _join(clock: Clock, other: Clock) -> None:
    for stream, count in list(other.items()):
        if clock.get(stream, 0) < count:
            clock[stream] = count


def _missing(known: Clock, needed: Clock) -> str:
    return ", ".join(
        f"work {count} of stream {stream} is not waited for"
        for stream, count in needed.items()
        if known.get(stream, 0) < count
    )

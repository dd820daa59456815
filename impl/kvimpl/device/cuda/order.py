"""Streams, events and marks of a CUDA device.

It decides that a mark stays what it was. The idea: CUDA's event is a variable, and recording it
again would move every mark that was made with it; so each recording takes a CUDA event of its own,
which is used again only when nobody holds the mark any more.
"""

from __future__ import annotations

from itertools import count

from kvimpl.device.cuda.runtime import EventObject, Runtime, StreamObject
from kvimpl.device.port.errors import ForeignHandle, Refused
from kvimpl.device.port.values import Event, Mark, Stream


class Recording:
    """One recording: a CUDA event that is not recorded again while this exists."""

    __slots__ = ("_event", "_order", "runtime")

    def __init__(self, order: Order, event: EventObject) -> None:
        self._order = order
        self._event = event
        self.runtime = order.runtime

    def record(self, stream: StreamObject) -> None:
        """Once, at the start."""
        self.runtime.record(self._event, stream)

    def hold_back(self, stream: StreamObject) -> None:
        """What is put into the stream from now on comes after it."""
        self.runtime.wait(stream, self._event)

    def is_done(self) -> bool:
        """Whether what it marks has completed."""
        return self.runtime.is_done(self._event)

    def await_done(self) -> None:
        """Return when it has."""
        self.runtime.await_done(self._event)

    def belongs_to(self, order: Order) -> bool:
        """Whether it was made there."""
        return self._order is order

    def __del__(self) -> None:
        self._order.spare.append(self._event)


class Variable:
    """What an event's handle stands for: its latest recording."""

    __slots__ = ("latest", "owner")

    def __init__(self, owner: Order) -> None:
        self.owner = owner
        self.latest: Recording | None = None


class Order:
    """The streams and events of one device."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.spare: list[EventObject] = []
        self._numbers = count(1)
        self._streams: dict[int, StreamObject] = {0: runtime.legacy()}
        self.legacy = Stream(0, "legacy", True, self)
        self._names = {"legacy"}

    def stream(self, name: str, *, blocking: bool) -> Stream:
        """A new stream. Raises: Refused, CudaError."""
        self.take_name(name)
        try:
            made = self.runtime.stream(blocking=blocking)
        except Exception:
            self._names.discard(name)
            raise
        number = next(self._numbers)
        self._streams[number] = made
        return Stream(number, name, blocking, self)

    def take_name(self, name: str) -> None:
        """Names of streams and tasks are unique. Raises: Refused."""
        if name in self._names:
            raise Refused(
                f"'{name}' names a stream or task of this device already. Schedules and records "
                "are written with these names. Choose another."
            )
        self._names.add(name)

    def event(self, name: str) -> Event:
        """A new event, not recorded."""
        return Event(next(self._numbers), name, Variable(self))

    def mark(self, event: Event, stream: Stream) -> Mark:
        """Record the event. Raises: ForeignHandle, CudaError."""
        variable = self.variable(event)
        recording = self.recorded(self.of(stream))
        variable.latest = recording
        return Mark(next(self._numbers), event, stream, recording)

    def recorded(self, stream: StreamObject) -> Recording:
        """A recording that no event holds. Raises: CudaError."""
        try:
            event = self.spare.pop()
        except IndexError:
            event = self.runtime.event()
        recording = Recording(self, event)
        recording.record(stream)
        return recording

    def of(self, stream: Stream) -> StreamObject:
        """The runtime's stream. Raises: ForeignHandle."""
        if stream.token is not self:
            raise _foreign("stream", stream)
        return self._streams[stream.number]

    def numbered(self, number: int) -> StreamObject:
        """The runtime's stream of that number."""
        return self._streams[number]

    def all(self) -> tuple[StreamObject, ...]:
        """Every stream, the legacy one first."""
        return tuple(self._streams.values())

    def bound(self, on: Event | Mark) -> Recording | None:
        """What the handle means now; None if it was never recorded. Raises: ForeignHandle."""
        if isinstance(on, Event):
            return self.variable(on).latest
        recording = on.token
        if not isinstance(recording, Recording) or not recording.belongs_to(self):
            raise _foreign("mark", on)
        return recording

    def variable(self, event: Event) -> Variable:
        """What the handle names. Raises: ForeignHandle."""
        variable = event.token
        if not isinstance(variable, Variable) or variable.owner is not self:
            raise _foreign("event", event)
        return variable

    def new_number(self) -> int:
        """For handles of work."""
        return next(self._numbers)


def _foreign(kind: str, handle: object) -> ForeignHandle:
    return ForeignHandle(
        f"{handle} is not a {kind} of this device. Its handle was made by another device, or by "
        "hand. Use the handle that this device returned."
    )

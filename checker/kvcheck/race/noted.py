"""A device that notes each call in a journal and passes it on.

It decides nothing about order: each call goes to the device behind it as it is. If it is given a
repair, it makes the repair's calls as well, where they belong, so that a repair is not only argued
but run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from kvcheck.race.applied import NEW_RECORD, NO_REPAIR, Repair
from kvcheck.race.journal import Does, Named, On, Use
from kvcheck.race.noted_hosts import NotedAccess, NotedLock, NotedShared, NotedTask
from kvcheck.race.notes import Notes, Noting
from kvimpl.device.port import Device
from kvimpl.device.port.device import Lock, Shared, Task
from kvimpl.device.port.findings import Finding
from kvimpl.device.port.values import (
    Argument,
    Buffer,
    Bytes,
    Capability,
    Event,
    Grid,
    Kernel,
    Mark,
    Mode,
    Op,
    Space,
    Stream,
    View,
    Waitable,
)
from kvimpl.device.sim import Pageable

T = TypeVar("T")


class NotedDevice:
    """The device port; what is not about order or bytes passes through."""

    def __init__(
        self,
        inner: Device,
        notes: Notes,
        *,
        pageable: Pageable = Pageable.STAGED,
        repair: Repair = NO_REPAIR,
    ) -> None:
        """`pageable` is how the device behind it treats pageable memory."""
        self._inner = inner
        self._notes = notes
        self._pageable = pageable
        self._repair = repair
        self._streams = {inner.legacy.name: inner.legacy}
        self._marks: dict[tuple[int, int], int] = {}
        self._made: dict[int, Mark] = {}

    # -- memory

    def alloc(self, nbytes: int, space: Space, *, label: str) -> Buffer:
        """See the port."""
        with self._call(Does.ALLOC, label):
            return self._inner.alloc(nbytes, space, label=label)

    def free(self, buffer: Buffer) -> None:
        """See the port."""
        whole = (Use(str(buffer), 0, buffer.nbytes, Mode.WRITE),)
        with self._call(Does.FREE, buffer.label, uses=whole):
            self._inner.free(buffer)

    def host(self, view: View, mode: Mode) -> AbstractContextManager[memoryview]:
        """See the port."""
        access = self._inner.host(view, mode)
        call = self._call(Does.HOST, f"host {mode.value}", uses=(_use(view, mode),))
        return NotedAccess(access, call)

    def host_read(self, view: View) -> bytes:
        """See the port."""
        with self._call(Does.HOST, "host read", uses=(_use(view, Mode.READ),)):
            return self._inner.host_read(view)

    def host_write(self, view: View, data: bytes) -> None:
        """See the port."""
        with self._call(Does.HOST, "host write", uses=(_use(view, Mode.WRITE),)):
            self._inner.host_write(view, data)

    # -- order

    @property
    def legacy(self) -> Stream:
        """See the port."""
        return self._inner.legacy

    def stream(self, name: str, *, blocking: bool = False) -> Stream:
        """See the port."""
        stream = self._inner.stream(name, blocking=blocking)
        self._streams[name] = stream
        if blocking:
            self._notes.blocking.add(name)
        return stream

    def event(self, name: str) -> Event:
        """See the port."""
        return self._inner.event(name)

    def record(self, event: Event, stream: Stream) -> Mark:
        """See the port."""
        call = self._call(Does.RECORD, event.name, stream=stream.name, number=event.number)
        with call:
            mark = self._inner.record(event, stream)
        self._marks[event.number, mark.number] = call.id
        self._made[call.id] = mark
        return mark

    def wait(self, stream: Stream, on: Event | Mark) -> None:
        """See the port."""
        with self._call(Does.WAIT, str(on), stream=stream.name, on=self._on(on)) as call:
            self._inner.wait(stream, self._marked(call.id) or on)

    def query(self, on: Waitable) -> bool:
        """See the port."""
        with self._call(Does.QUERY, str(on), on=self._on(on)) as call:
            call.answer = self._inner.query(self._rebound(call.id) or on)
            return call.answer

    def synchronize(self, on: Waitable | None = None) -> None:
        """See the port."""
        label = "all streams" if on is None else str(on)
        with self._call(Does.SYNCHRONIZE, label, on=self._on(on)) as call:
            self._inner.synchronize(self._rebound(call.id) or on)

    # -- work

    def copy(self, destination: View, source: View, stream: Stream, *, label: str = "copy") -> Op:
        """See the port."""
        spaces = (source.buffer.space, destination.buffer.space)
        waits = spaces[1] is Space.PAGEABLE or Space.DEVICE not in spaces
        done = waits and self._pageable is Pageable.STAGED
        uses = (_use(source, Mode.READ), _use(destination, Mode.WRITE))
        call = self._call(Does.WORK, label, stream=stream.name, uses=uses, returns_done=done)
        with call:
            return call.enqueued(self._inner.copy(destination, source, stream, label=label))

    def fill(self, destination: View, byte: int, stream: Stream, *, label: str = "fill") -> Op:
        """See the port."""
        uses = (_use(destination, Mode.WRITE),)
        with self._call(Does.WORK, label, stream=stream.name, uses=uses) as call:
            return call.enqueued(self._inner.fill(destination, byte, stream, label=label))

    def launch(
        self,
        kernel: Kernel,
        arguments: Sequence[Argument],
        stream: Stream,
        *,
        grid: Grid | None = None,
    ) -> Op:
        """See the port."""
        pairs = zip(arguments, kernel.access, strict=False)
        uses = tuple(_use(a, m) for a, m in pairs if isinstance(a, View) and m)
        with self._call(Does.WORK, kernel.name, stream=stream.name, uses=uses) as call:
            spread = Grid() if grid is None else grid
            return call.enqueued(self._inner.launch(kernel, arguments, stream, grid=spread))

    def host_call(
        self,
        function: Callable[[Sequence[Bytes]], None],
        touches: Sequence[tuple[View, Mode]],
        stream: Stream,
        *,
        label: str,
    ) -> Op:
        """See the port."""
        uses = tuple(_use(view, mode) for view, mode in touches)
        with self._call(Does.WORK, label, stream=stream.name, uses=uses) as call:
            return call.enqueued(self._inner.host_call(function, touches, stream, label=label))

    # -- hosts

    def lock(self, name: str) -> Lock:
        """See the port."""
        return NotedLock(self._inner.lock(name), lambda does: self._call(does, name))

    def shared(self, name: str, value: T) -> Shared[T]:
        """See the port."""
        inner = self._inner.shared(name, value)
        return NotedShared(inner, lambda does: self._call(Does.SHARED, f"{does} {name}"))

    def spawn(self, name: str, body: Callable[[], None]) -> Task:
        """See the port."""

        def named() -> None:
            self._notes.begin_task(name)
            body()

        with self._call(Does.SPAWN, name):
            task = self._inner.spawn(name, named)
        return NotedTask(task, lambda: self._call(Does.JOIN, name))

    def pause(self, label: str) -> None:
        """See the port."""
        self._inner.pause(label)

    # -- all of it

    @property
    def name(self) -> str:
        """See the port."""
        return self._inner.name

    @property
    def capabilities(self) -> frozenset[Capability]:
        """See the port."""
        return self._inner.capabilities

    @property
    def findings(self) -> tuple[Finding, ...]:
        """See the port."""
        return self._inner.findings

    def quiesce(self) -> tuple[Finding, ...]:
        """See the port."""
        return self._inner.quiesce()

    def close(self) -> tuple[Finding, ...]:
        """See the port."""
        return self._inner.close()

    # -- inside

    def _on(self, on: Waitable | None) -> On:
        if on is None:
            return On(Named.ALL)
        if isinstance(on, Stream):
            return On(Named.STREAM, 0, on.name)
        if isinstance(on, Mark):
            return On(Named.MARK, self._marks.get((on.event.number, on.number), 0), on.event.name)
        return On(Named.EVENT, on.number, on.name)

    def _call(self, does: Does, label: str, **more: Any) -> Noting:  # passed on as they are
        return Noting(self._notes, (self._ahead_of, self._behind), does, label, **more)

    def _marked(self, id_: int) -> Mark | None:
        """The mark that the repair lets this wait mean."""
        is_it = id_ == self._repair.rebound
        return self._made.get(self._repair.marked) if is_it else None

    def _rebound(self, id_: int) -> Mark | Stream | None:
        """What the repair lets this wait of the host mean."""
        if id_ == self._repair.rebound and self._repair.is_of_stream:
            return self._streams[self._repair.stream]
        return self._marked(id_)

    def _ahead_of(self, id_: int) -> None:
        mark = self._made.get(self._repair.marked)
        if id_ == self._repair.before and mark is not None:
            if self._repair.waiting:
                self._inner.wait(self._streams[self._repair.waiting], mark)
            else:
                self._inner.synchronize(mark)

    def _behind(self, id_: int) -> None:
        if id_ == self._repair.record_after:
            stream = self._streams[self._repair.stream]
            self._made[NEW_RECORD] = self._inner.record(self._inner.event("repair"), stream)


def _use(view: View, mode: Mode) -> Use:
    return Use(str(view.buffer), view.start, view.stop, mode)

"""A simulated device: real bytes, moved when a schedule says so, with every access watched.

It decides what each call of the port means; what is chosen is the schedule's, what is wrong the
watch's. Operations are atomic and sequentially consistent: for a program without a race this is
exact, for one with a race the verdict is the race, not the bytes that this run happened to end in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from kvimpl.device.port.device import Lock, Shared, Task
from kvimpl.device.port.errors import Refused
from kvimpl.device.port.findings import Finding
from kvimpl.device.port.host_bytes import read_whole, write_whole
from kvimpl.device.port.steps import Schedule
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
from kvimpl.device.sim.completions import Completions, Recorded
from kvimpl.device.sim.dispatch import Dispatch
from kvimpl.device.sim.faults import Faults
from kvimpl.device.sim.heap import Heap
from kvimpl.device.sim.hosts import HostAccess, SimLock, SimShared, SimTask
from kvimpl.device.sim.memory import Life, Lives
from kvimpl.device.sim.misuse import LockOrder
from kvimpl.device.sim.options import Pageable, SimOptions
from kvimpl.device.sim.pinned import PinnedPool
from kvimpl.device.sim.queues import Queue, Queues
from kvimpl.device.sim.turns import CHANGES_HOST_STATE, HOST, Turns
from kvimpl.device.sim.watch import Actor, Watch

T = TypeVar("T")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*")
DEVICE_FOLDER = str(Path(__file__).resolve().parents[1])
DEFAULT_OPTIONS = SimOptions()


class SimDevice:
    """The device port, simulated. One run: one device, one schedule."""

    name = "sim"
    capabilities = frozenset({Capability.SCHEDULES, Capability.HAPPENS_BEFORE, Capability.FAULTS})

    def __init__(
        self,
        schedule: Schedule,
        options: SimOptions = DEFAULT_OPTIONS,
        *,
        executed: Callable[[Op], None] | None = None,
        beside: tuple[str, ...] = (),
    ) -> None:
        """`executed` is told each operation when it has executed; it must not call the device.
        `beside` are folders of code between the program and the device: no finding names them."""
        self._options = options
        self._names: set[str] = set()
        self._event_count = 0
        self._faults = Faults(options.faults)
        self._watch = Watch((DEVICE_FOLDER, *beside))
        self._lives = Lives(options.capacity)
        self._pool = PinnedPool(options.pinned, self._lives)
        self._actor_count = 0
        main = self._actor(HOST)
        legacy = self._queue("legacy", blocking=True)
        self._queues = Queues(legacy, executed)
        self._lock_order = LockOrder()
        self._turns = Turns(
            schedule,
            self._queues,
            self._watch,
            main,
            steps_max=options.steps_max,
            holders=self._lock_order.holders,
        )
        self._completions = Completions(self._turns, self._queues, self._faults)
        self._dispatch = Dispatch(
            self._turns,
            self._queues,
            self._watch,
            self._faults,
            self._lives,
            self._pool,
            self._completions,
        )
        self._heap = Heap(
            self._turns,
            self._queues,
            self._watch,
            self._faults,
            self._lives,
            self._pool,
            self._dispatch,
        )

    # -- memory

    def alloc(self, nbytes: int, space: Space, *, label: str) -> Buffer:
        """See the port."""
        return self._heap.alloc(nbytes, space, label)

    def free(self, buffer: Buffer) -> None:
        """See the port."""
        self._heap.free(buffer)

    def host(self, view: View, mode: Mode) -> HostAccess:
        """See the port."""
        return HostAccess(
            self._turns, self._watch, self._host_life(view), view, mode, self._watch.place()
        )

    def host_read(self, view: View) -> bytes:
        """See the port."""
        return read_whole(self, view)

    def host_write(self, view: View, data: bytes) -> None:
        """See the port."""
        write_whole(self, view, data)

    # -- order

    @property
    def legacy(self) -> Stream:
        """See the port."""
        return self._queues.legacy.stream

    def stream(self, name: str, *, blocking: bool = False) -> Stream:
        """See the port."""
        queue = self._queue(name, blocking=blocking)
        self._queues.add(queue)
        return queue.stream

    def event(self, name: str) -> Event:
        """See the port."""
        self._event_count += 1
        return Event(self._event_count, name, Recorded(self._queues, self._event_count, name))

    def record(self, event: Event, stream: Stream) -> Mark:
        """See the port."""
        recorded = self._completions.recorded(event)
        work = self._dispatch.mark(stream, recorded.label, recorded.writing)
        recorded.latest = work
        return Mark(work.number, event, stream, work)

    def wait(self, stream: Stream, on: Event | Mark) -> None:
        """See the port."""
        self._completions.bound(on)
        variables = self._completions.variables(on)
        self._dispatch.mark(stream, f"wait {on}", variables, on)

    def query(self, on: Waitable) -> bool:
        """See the port."""
        return self._completions.query(on)

    def synchronize(self, on: Waitable | None = None) -> None:
        """See the port."""
        self._completions.synchronize(on)

    # -- work

    def copy(self, destination: View, source: View, stream: Stream, *, label: str = "copy") -> Op:
        """See the port."""
        if destination.nbytes != source.nbytes:
            raise Refused(
                f"{source} has {source.nbytes} bytes and {destination} has {destination.nbytes}. A "
                "copy's ends are of one length. Take views of one length."
            )
        spaces = (source.buffer.space, destination.buffer.space)
        staged = self._options.pageable is Pageable.STAGED
        early = staged and spaces[0] is Space.PAGEABLE
        work = self._dispatch.copy(destination, source, stream, label, reads_early=early)
        if staged and (spaces[1] is Space.PAGEABLE or Space.DEVICE not in spaces):
            self._completions.wait_for([work], f"complete {label}")
        return work.op

    def fill(self, destination: View, byte: int, stream: Stream, *, label: str = "fill") -> Op:
        """See the port."""
        data = bytes([byte]) * destination.nbytes
        views = [(destination, Mode.WRITE)]

        def body(arguments: Sequence[Bytes | int]) -> None:
            (target,) = arguments
            assert not isinstance(target, int)
            target.write(data)

        return self._dispatch.run(body, [destination], views, stream, label).op

    def launch(
        self,
        kernel: Kernel,
        arguments: Sequence[Argument],
        stream: Stream,
        *,
        grid: Grid | None = None,
    ) -> Op:
        """See the port."""
        modes = kernel.access
        fits = [m is not None for m in modes] == [isinstance(a, View) for a in arguments]
        if not fits:
            raise Refused(
                f"kernel '{kernel.name}' declares {len(modes)} arguments, {modes}; it was launched "
                f"with {arguments}. A mode stands for a view, None for an int. Pass what the "
                "kernel declares, or change Kernel.access."
            )
        views = [(a, m) for a, m in zip(arguments, modes, strict=True) if isinstance(a, View) and m]
        return self._dispatch.run(
            kernel.body, arguments, views, stream, kernel.name, is_launch=True
        ).op

    def host_call(
        self,
        function: Callable[[Sequence[Bytes]], None],
        touches: Sequence[tuple[View, Mode]],
        stream: Stream,
        *,
        label: str,
    ) -> Op:
        """See the port."""

        def body(arguments: Sequence[Bytes | int]) -> None:
            function([a for a in arguments if not isinstance(a, int)])

        views = [view for view, _ in touches]
        return self._dispatch.run(body, views, touches, stream, label).op

    # -- hosts

    def lock(self, name: str) -> Lock:
        """See the port."""
        return SimLock(self._turns, self._watch, self._lock_order, name)

    def shared(self, name: str, value: T) -> Shared[T]:
        """See the port."""
        return SimShared(self._turns, self._watch, name, value)

    def spawn(self, name: str, body: Callable[[], None]) -> Task:
        """See the port."""
        actor = self._actor(name)
        self._turns.point(f"spawn {name}")
        return SimTask(self._turns, self._turns.spawn(actor, body))

    def pause(self, label: str) -> None:
        """See the port."""
        self._turns.point(label, (CHANGES_HOST_STATE,))

    # -- the end

    @property
    def findings(self) -> tuple[Finding, ...]:
        """See the port."""
        return self._watch.findings

    @property
    def step_count(self) -> int:
        """How many steps the run has taken."""
        return self._watch.step + 1

    def peek(self, view: View) -> bytes:
        """The bytes as they are, in any space: no step, no access. For whoever judges a run."""
        return bytes(self._lives.of(view.buffer).block.bytes[view.start : view.stop])

    def queued(self, stream: Stream) -> tuple[Op, ...]:
        """What is in the stream and has not executed, oldest first; no step either."""
        return tuple(work.op for work in self._completions.queue(stream).work)

    def noted(self, buffer: Buffer) -> tuple[str, ...]:
        """The streams that the allocator knows to use the buffer, or whose work it waits for."""
        return tuple(self._lives.of(buffer).noted)

    def quiesce(self) -> tuple[Finding, ...]:
        """See the port."""
        for task in tuple(self._turns.others):
            SimTask(self._turns, task).join()
        self.synchronize()
        error = self._turns.unraised()
        if error is not None:
            raise error
        return self.findings

    def close(self) -> tuple[Finding, ...]:
        """See the port."""
        self.quiesce()
        place = self._watch.place()
        for life in self._lives:
            self._watch.leaked(self._turns.current.actor, life, place)
        self.abandon()
        return self.findings

    def abandon(self) -> None:
        """End the run where it is, with whatever is unfinished; its tasks are unwound."""
        self._turns.abandon()

    # -- inside

    def _host_life(self, view: View) -> Life:
        if view.buffer.space is Space.DEVICE:
            raise Refused(
                f"{view} is device memory, which the host cannot use in place. Only pinned and "
                "pageable memory is the host's. Copy it first."
            )
        return self._lives.live(view.buffer)

    def _actor(self, name: str) -> Actor:
        if name in self._names or not NAME.fullmatch(name):
            raise Refused(
                f"'{name}' cannot name a stream or task here: either it is taken, or it is not "
                "letters, digits, '_', '.' and '-' from a letter on. Schedules are written with "
                "these names. Choose another name."
            )
        self._names.add(name)
        self._actor_count += 1
        return Actor(self._actor_count, name)

    def _queue(self, name: str, *, blocking: bool) -> Queue:
        actor = self._actor(name)
        queue = Queue(actor, self._faults.stops_after(name))
        queue.stream = Stream(actor.number, name, blocking, queue)
        return queue

"""The CUDA device: the port's promises kept on real streams, events and memory.

It decides what each call of the port becomes; CUDA decides when work executes, and nothing here is
watched for races: findings are leaks only. The idea: the port is kept by three rules and no hidden
wait: a mark has a CUDA event of its own (`order`), memory goes back when its users are done
(`lives`), and kernels pass one seam (`launching`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from kvimpl.device.cuda.faults import CudaError, in_the_port_s_words
from kvimpl.device.cuda.host_calls import HostCalls
from kvimpl.device.cuda.hosts import HostLock, HostShared, HostTask
from kvimpl.device.cuda.launching import Launcher, packed
from kvimpl.device.cuda.lives import Life, Lives
from kvimpl.device.cuda.memory_views import HostAccess
from kvimpl.device.cuda.order import Order, Recording
from kvimpl.device.cuda.runtime import Runtime, StreamObject
from kvimpl.device.cuda.waiting import Watchdog
from kvimpl.device.kernels import KERNELS, KernelSource, source_of
from kvimpl.device.port.errors import DeviceFailed, Refused
from kvimpl.device.port.findings import Access, Finding, FindingKind, SourceLine
from kvimpl.device.port.host_bytes import read_whole, write_whole
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

T = TypeVar("T")
DEVICE_FOLDER = str(Path(__file__).resolve().parents[1])
DEFAULT_WATCHDOG = Watchdog()


class CudaDevice:
    """The device port on CUDA.

    `kernels` are the sources that launches may name. With `watchdog=None` the host waits inside
    CUDA, and a stream that never progresses hangs it.
    """

    name = "cuda"
    capabilities: frozenset[Capability] = frozenset()

    def __init__(
        self,
        runtime: Runtime,
        launcher: Launcher,
        *,
        kernels: Sequence[KernelSource] = KERNELS,
        watchdog: Watchdog | None = DEFAULT_WATCHDOG,
    ) -> None:
        self._runtime = runtime
        self._launcher = launcher
        self._kernels = tuple(kernels)
        self._watchdog = watchdog
        self._lives = Lives(runtime)
        self._order = Order(runtime)
        self._host_calls = HostCalls()
        self._tasks: list[HostTask] = []
        self._findings: list[Finding] = []
        self._failure: DeviceFailed | None = None
        self._is_closed = False

    # -- memory

    def alloc(self, nbytes: int, space: Space, *, label: str) -> Buffer:
        """See the port."""
        if nbytes <= 0:
            raise Refused(
                f"{nbytes} bytes were asked for as '{label}'. A buffer has at least one byte. "
                "Change the size, or allocate nothing."
            )
        with self._meeting(f"allocate {nbytes} bytes of {space.value} memory as '{label}'"):
            self._lives.give_back()
            return self._lives.begin(nbytes, space, label, _caller())

    def free(self, buffer: Buffer) -> None:
        """See the port. Here kernels are known to the allocator too."""
        life = self._lives.live(buffer)
        with self._meeting(f"free {buffer}"):
            order = self._order
            uses = [order.recorded(order.numbered(number)) for number in sorted(life.used_on)]
            self._lives.end(buffer, uses)
            self._lives.give_back()

    def host(self, view: View, mode: Mode) -> HostAccess:
        """See the port."""
        life = self._lives.live(view.buffer)
        if view.buffer.space is Space.DEVICE:
            raise Refused(
                f"{view} is device memory, which the host cannot use in place. Only pinned and "
                "pageable memory is the host's. Copy it first."
            )
        return HostAccess(life.piece, view, mode)

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
        return self._order.legacy

    def stream(self, name: str, *, blocking: bool = False) -> Stream:
        """See the port."""
        with self._meeting(f"make stream '{name}'"):
            return self._order.stream(name, blocking=blocking)

    def event(self, name: str) -> Event:
        """See the port."""
        return self._order.event(name)

    def record(self, event: Event, stream: Stream) -> Mark:
        """See the port."""
        with self._meeting(f"record {event} in {stream}"):
            return self._order.mark(event, stream)

    def wait(self, stream: Stream, on: Event | Mark) -> None:
        """See the port."""
        on_stream, recording = self._order.of(stream), self._order.bound(on)
        with self._meeting(f"make {stream} wait for {on}"):
            if recording is not None:
                recording.hold_back(on_stream)

    def query(self, on: Waitable) -> bool:
        """See the port."""
        with self._meeting(f"query {on}"):
            if isinstance(on, Stream):
                return self._runtime.is_idle(self._order.of(on))
            recording = self._order.bound(on)
            return recording is None or recording.is_done()

    def synchronize(self, on: Waitable | None = None) -> None:
        """See the port."""
        does = "wait for all streams" if on is None else f"wait for {on}"
        with self._meeting(does):
            for recording in self._bound(on):
                self._await(recording, does)
        self._raise_failure()

    # -- work

    def copy(self, destination: View, source: View, stream: Stream, *, label: str = "copy") -> Op:
        """See the port."""
        if destination.nbytes != source.nbytes:
            raise Refused(
                f"{source} has {source.nbytes} bytes and {destination} has {destination.nbytes}. A "
                "copy's ends are of one length. Take views of one length."
            )
        to, from_ = self._lives.live(destination.buffer), self._lives.live(source.buffer)
        with self._enqueuing(label, stream, to, from_):
            self._runtime.copy(
                to.piece,
                destination.start,
                from_.piece,
                source.start,
                source.nbytes,
                self._order.of(stream),
            )
        return Op(self._order.new_number(), stream, label)

    def fill(self, destination: View, byte: int, stream: Stream, *, label: str = "fill") -> Op:
        """See the port. Raises: Refused, for pageable memory."""
        if destination.buffer.space is Space.PAGEABLE or not 0 <= byte < 256:
            raise Refused(
                f"{destination} ({destination.buffer.space.value}) cannot be filled with {byte} by "
                "the device. It fills device and pinned memory, with one byte. Write it from the "
                "host, or change the byte."
            )
        life = self._lives.live(destination.buffer)
        with self._enqueuing(label, stream, life):
            start, nbytes = destination.start, destination.nbytes
            self._runtime.fill(life.piece, start, nbytes, byte, self._order.of(stream))
        return Op(self._order.new_number(), stream, label)

    def launch(
        self,
        kernel: Kernel,
        arguments: Sequence[Argument],
        stream: Stream,
        *,
        grid: Grid | None = None,
    ) -> Op:
        """See the port. Raises: LaunchFailed also where the views are too short for the kernel."""
        lives = [
            self._lives.live(argument.buffer) if isinstance(argument, View) else None
            for argument in arguments
        ]
        addresses = [0 if life is None else life.piece.address for life in lives]
        source = source_of(kernel, self._kernels)
        call = packed(source, arguments, addresses, grid)
        used = [life for life in lives if life is not None]
        with self._enqueuing(kernel.name, stream, *used, is_launch=True):
            self._launcher.launch(source, call, self._runtime.handle(self._order.of(stream)))
        return Op(self._order.new_number(), stream, kernel.name)

    def host_call(
        self,
        function: Callable[[Sequence[Bytes]], None],
        touches: Sequence[tuple[View, Mode]],
        stream: Stream,
        *,
        label: str,
    ) -> Op:
        """See the port. Raises: Refused, for device memory, which a host function cannot use."""
        places, used = [], []
        for view, mode in touches:
            self.host(view, mode)
            life = self._lives.live(view.buffer)
            used.append(life)
            places.append((life.piece.address + view.start, view.nbytes))
        with self._enqueuing(label, stream, *used):
            number = self._host_calls.add(function, places)
            try:
                on = self._order.of(stream)
                self._runtime.host_function(on, self._host_calls.address, number)
            except CudaError:
                self._host_calls.forget(number)
                raise
        return Op(self._order.new_number(), stream, label)

    # -- hosts

    def lock(self, name: str) -> HostLock:
        """See the port."""
        return HostLock(name)

    def shared(self, name: str, value: T) -> HostShared[T]:
        """See the port."""
        return HostShared(value)

    def spawn(self, name: str, body: Callable[[], None]) -> HostTask:
        """See the port."""
        self._order.take_name(name)
        task = HostTask(name, body, self._runtime.enter_thread)
        self._tasks.append(task)
        return task

    def pause(self, label: str) -> None:
        """See the port: real threads meet anywhere, so there is nothing to do."""

    # -- the end

    @property
    def findings(self) -> tuple[Finding, ...]:
        """See the port."""
        return tuple(self._findings)

    @property
    def kept_count(self) -> int:
        """How many freed buffers' memory is kept because work still uses it."""
        return self._lives.kept_count

    @property
    def watchdog(self) -> Watchdog | None:
        """How the host waits."""
        return self._watchdog

    def object_of(self, stream: Stream) -> StreamObject:
        """The runtime's own stream, for whoever enqueues around the device's work."""
        return self._order.of(stream)

    def quiesce(self) -> tuple[Finding, ...]:
        """See the port."""
        for task in self._tasks:
            task.join()
        self.synchronize()
        with self._meeting("give memory back"):
            self._lives.give_back()
        return self.findings

    def close(self) -> tuple[Finding, ...]:
        """See the port. Closed again, it only says what it found."""
        if self._is_closed:
            return self.findings
        self.quiesce()
        for buffer in self._lives.all_live():
            life = self._lives.live(buffer)
            says = f"{buffer} ({buffer.nbytes} bytes, {buffer.space.value}) was never freed"
            made = Access(
                "alloc", Mode.WRITE, str(buffer), 0, buffer.nbytes, "host", 0, life.made_at
            )
            self._findings.append(Finding(FindingKind.LEAK, says, made))
            self._lives.end(buffer, [])
        with self._meeting("close"):
            self._lives.give_back()
            self._runtime.close()
        self._is_closed = True
        return self.findings

    # -- inside

    def _bound(self, on: Waitable | None) -> list[Recording]:
        order = self._order
        if on is None:
            return [order.recorded(stream) for stream in order.all()]
        if isinstance(on, Stream):
            return [order.recorded(order.of(on))]
        recording = order.bound(on)
        return [] if recording is None else [recording]

    def _await(self, recording: Recording, does: str) -> None:
        if self._watchdog is None:
            recording.await_done()
        else:
            self._watchdog.until(recording.is_done, does)

    @contextmanager
    def _enqueuing(
        self, label: str, stream: Stream, *used: Life, is_launch: bool = False
    ) -> Iterator[None]:
        """Work on these buffers: noted before it is enqueued, so that no free can come between."""
        self._order.of(stream)
        with self._meeting(f"enqueue {label} on {stream}", is_launch=is_launch):
            for life in used:
                life.used_on.add(stream.number)
            yield

    @contextmanager
    def _meeting(self, does: str, *, is_launch: bool = False) -> Iterator[None]:
        """CUDA's errors in the port's words; a failure of the device is kept, and met again."""
        self._raise_failure()
        try:
            self._runtime.enter_thread()
            yield
        except CudaError as error:
            told = in_the_port_s_words(error, does, is_launch=is_launch)
            if isinstance(told, DeviceFailed):
                self._failure = told
            raise told from error

    def _raise_failure(self) -> None:
        thrown = self._host_calls.failure
        if self._failure is None and thrown is not None:
            self._failure = DeviceFailed(
                f"A host function failed while it executed: {thrown!r}. Work behind it in its "
                "stream went on with whatever it left. Mend the function; discard the device."
            )
        if self._failure is not None:
            raise DeviceFailed(str(self._failure))


def _caller() -> SourceLine:
    """The line outside the device that made the call."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(DEVICE_FOLDER):
        frame = frame.f_back
    parts = Path(frame.f_code.co_filename).parts[-2:]
    return SourceLine("/".join(parts), frame.f_lineno, frame.f_code.co_name)

"""Copies between slots: two streams, their order against each other and against compute.

It decides when a copy may touch bytes; which block owns a slot is the pool's business. The idea: a
mark stands for all work of a stream up to it, so a slot needs one mark for its last writer and a
*set* for the readers since; entries are kept by slot, whose number names the level too, and are
dropped only by `begin_step` and `end_step`, which hand their order to the other streams.
"""

from __future__ import annotations

from collections import deque
from enum import Enum

from kvimpl.blocks.errors import Broken, DeviceFault
from kvimpl.blocks.slots import SlotMemory
from kvimpl.device import port
from kvimpl.device.port.handle import handle
from kvspec.events import CopyId, SlotId, Stream


class Stage(Enum):
    "Where the host is: before the copies of a step, or among them."

    BETWEEN = 0
    COPYING = 1


# Looked up once: in Python 3.11 a member of an enum costs as much as a call.
COPYING = Stage.COPYING


@handle
class Sent:
    """A copy in flight, and the mark after which its target is whole and its source unused.

    `slots` are its source and target, as they are shown.
    """

    copy: CopyId
    source: SlotId
    target: SlotId
    mark: port.Mark
    slots: tuple[SlotId, SlotId]


class CopyStreams:
    """Copies in flight, oldest first by stream, and what later copies must wait for."""

    def __init__(
        self, device: port.Device, memory: SlotMemory, *, compute: port.Stream, name: str = "kv"
    ) -> None:
        self._device, self._memory, self._compute = device, memory, compute
        names = [f"{name}.{stream.name.lower()}" for stream in Stream]
        self._streams = [device.stream(own) for own in names]
        self._events = [device.event(f"{own} so far") for own in names]
        self._compute_event = device.event(f"{name} compute so far")
        self._next = 0
        self._uses: dict[SlotId, int] = {}
        self._reads: dict[SlotId, list[port.Mark]] = {}
        self._writes: dict[SlotId, port.Mark] = {}
        self.stage = Stage.BETWEEN
        self.pending: list[deque[Sent]] = [deque() for _ in Stream]
        self._shown: list[tuple[tuple[SlotId, SlotId], ...] | None] = [None for _ in Stream]
        self._in_flight: tuple[tuple[tuple[SlotId, SlotId], ...], ...] | None = None

    # ---- one copy

    def send(self, stream: Stream, source: SlotId, target: SlotId) -> Sent:
        """Enqueue a copy after every earlier writer of its source and user of its target.

        Raises:
            DeviceFault: the device refused; nothing was enqueued.
            Broken: the device failed, or the copy is enqueued and could not be marked.
        """
        on = self._streams[stream]
        try:
            for mark in self._waits(source, target):
                self._device.wait(on, mark)
            self._device.copy(
                self._memory.view(target),
                self._memory.view(source),
                on,
                label=f"copy {self._next}: slot {source} to {target}",
            )
        except port.DeviceError as error:
            raise _fault(error, f"copy slot {source} to slot {target}") from error
        mark = self._mark(stream)
        self._note(source, target, mark)
        sent = Sent(CopyId(self._next), source, target, mark, (source, target))
        self._next += 1
        self.pending[stream].append(sent)
        self._shown[stream] = self._in_flight = None
        for slot in (source, target):
            self._uses[slot] = self._uses.get(slot, 0) + 1
        return sent

    def pop_complete(self, stream: Stream) -> Sent | None:
        """Take the oldest copy of a stream off the pending ones, if it is complete.

        Raises:
            Broken: the device failed.
        """
        pending = self.pending[stream]
        if not pending:
            return None
        try:
            done = self._device.query(pending[0].mark)
        except port.DeviceError as error:
            raise _broken(error, f"say whether copy {pending[0].copy} is complete") from error
        if not done:
            return None
        sent = pending.popleft()
        self._shown[stream] = self._in_flight = None
        for slot in (sent.source, sent.target):
            self._uses[slot] -= 1
            if not self._uses[slot]:
                del self._uses[slot]
        return sent

    def in_flight(self) -> tuple[tuple[tuple[SlotId, SlotId], ...], ...]:
        """Source and target of each pending copy, by stream; kept until that changes."""
        if self._in_flight is None:
            for stream, pending in enumerate(self.pending):
                if self._shown[stream] is None:
                    self._shown[stream] = tuple([sent.slots for sent in pending])
            self._in_flight = tuple([own or () for own in self._shown])
        return self._in_flight

    def is_in_flight(self, slot: SlotId) -> bool:
        """Whether a copy that is not known to be complete uses the slot."""
        return slot in self._uses

    # ---- against compute

    def begin_step(self) -> None:
        """Both copy streams wait for all compute enqueued so far; then entries are forgotten.

        Raises:
            DeviceFault, Broken: the device refused or failed; the stage is as it was.
        """
        try:
            mark = self._device.record(self._compute_event, self._compute)
            for stream in self._streams:
                self._device.wait(stream, mark)
        except port.DeviceError as error:
            raise _fault(error, "order copies after compute") from error
        self._forget()
        self.stage = Stage.COPYING

    def end_step(self) -> None:
        """Compute enqueued from now on waits for all copies so far; then entries are forgotten.

        Raises:
            DeviceFault, Broken: the device refused or failed; the stage is as it was.
        """
        try:
            for stream in Stream:
                mark = self._device.record(self._events[stream], self._streams[stream])
                self._device.wait(self._compute, mark)
        except port.DeviceError as error:
            raise _fault(error, "order compute after copies") from error
        self._forget()
        self.stage = Stage.BETWEEN

    def mark_compute(self) -> port.Mark:
        """All compute enqueued so far.

        Raises:
            DeviceFault, Broken: the device refused or failed.
        """
        try:
            return self._device.record(self._compute_event, self._compute)
        except port.DeviceError as error:
            raise _fault(error, "mark compute") from error

    def drain(self) -> None:
        """Return when all copies and all compute enqueued so far are complete.

        Raises:
            Broken: the device failed or will never get there.
        """
        try:
            for stream in (*self._streams, self._compute):
                self._device.synchronize(stream)
        except port.DeviceError as error:
            raise _broken(error, "finish its work") from error

    # ---- building blocks

    def _waits(self, source: SlotId, target: SlotId) -> list[port.Mark]:
        marks = [self._writes[slot] for slot in (source, target) if slot in self._writes]
        return marks + self._reads.get(target, [])

    def _note(self, source: SlotId, target: SlotId, mark: port.Mark) -> None:
        self._writes[target] = mark
        self._reads.pop(target, None)
        self._reads.setdefault(source, []).append(mark)

    def _forget(self) -> None:
        self._reads.clear()
        self._writes.clear()

    def _mark(self, stream: Stream) -> port.Mark:
        try:
            return self._device.record(self._events[stream], self._streams[stream])
        except port.DeviceError as error:
            raise _broken(error, "mark a copy that is enqueued") from error


def _fault(error: port.DeviceError, what: str) -> DeviceFault | Broken:
    if not isinstance(error, port.Refused):
        return _broken(error, what)
    return DeviceFault(
        f"The device refused to {what} ({error}).",
        cause="A launch failed, or a handle of the device is stale.",
        mend="Nothing has changed: call again, or close the manager.",
    )


def _broken(error: port.DeviceError, what: str) -> Broken:
    return Broken(
        f"The device failed to {what} ({error}).",
        cause="Work that was enqueued earlier failed, and nobody can know which bytes it wrote.",
        mend="Discard this manager and its device, and start both anew.",
    )

"""The copies of one scheduler: a stream up and a stream down, one copy at a time on each.

It decides when a copy may be sent and what compute waits for; who owns a slot is the books' affair.
The idea: the scheduler waits on the host, without the lock, for the copy before and for any copy of
the other stream that uses a slot of this one; what compute did before, and does after, is ordered
on the device.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kvimpl.blocks.errors import Broken, DeviceFault
from kvimpl.blocks.slots import SlotMemory
from kvimpl.device import port
from kvimpl.shared.moves import Move
from kvimpl.shared.steps import Sent as Told
from kvspec.events import CopyId, Stream


@dataclass(frozen=True, slots=True)
class Sent:
    """A copy that was sent, and the mark after which its target is whole."""

    copy: CopyId
    move: Move
    mark: port.Mark


class Lanes:
    """Used by one thread at a time, which does not hold the pool's lock."""

    def __init__(
        self, device: port.Device, memory: SlotMemory, *, compute: port.Stream, name: str
    ) -> None:
        self._device, self._memory, self._compute, self._name = device, memory, compute, name
        self._streams = [device.stream(f"{name}.{stream.name.lower()}") for stream in Stream]
        self._events = [device.event(f"{own.name} so far") for own in self._streams]
        self._before = device.event(f"{name} compute so far")
        self._last: dict[Stream, Sent] = {}
        self._next = 0

    def send(self, move: Move, told: Callable[[Told], None]) -> Sent:
        """Wait until the copy may run, send it, and let later compute wait for it. `told` is called
        when it is in its stream.

        Raises:
            DeviceFault: the device refused; nothing was sent.
            Broken: the device failed, or the copy is sent and could not be marked.
        """
        on, copy = self._streams[move.stream], CopyId(self._next)
        label = f"{self._name} copy {copy}"
        try:
            self._await_those_before(move)
            self._device.wait(on, self._device.record(self._before, self._compute))
            memory = self._memory
            target, source = memory.view(move.target), memory.view(move.source)
            self._device.copy(target, source, on, label=label)
        except port.Refused as error:
            raise _refused(move, error) from error
        except port.DeviceError as error:
            raise broken(error) from error
        self._next += 1
        told(Told(copy, move.stream, move.source, move.target, label))
        try:
            mark = self._device.record(self._events[move.stream], on)
            self._device.wait(self._compute, mark)
        except port.DeviceError as error:
            raise broken(error) from error
        sent = self._last[move.stream] = Sent(copy, move, mark)
        return sent

    def drain(self) -> None:
        """Return when every copy and all compute so far is complete.

        Raises:
            Broken: the device failed, or will never get there.
        """
        try:
            for stream in (*self._streams, self._compute):
                self._device.synchronize(stream)
        except port.DeviceError as error:
            raise broken(error) from error

    def _await_those_before(self, move: Move) -> None:
        slots = {move.source, move.target}
        for stream, last in list(self._last.items()):
            if stream is move.stream or slots & {last.move.source, last.move.target}:
                self._device.synchronize(last.mark)
                del self._last[stream]


def broken(error: port.DeviceError) -> Broken:
    """The device failed."""
    return Broken(
        f"The device failed ({error}).",
        cause="Work that was sent earlier failed, and nobody can know which bytes it wrote.",
        mend="Discard this manager and its device, and start both anew.",
    )


def _refused(move: Move, error: port.DeviceError) -> DeviceFault:
    return DeviceFault(
        f"The device refused to copy slot {move.source} to slot {move.target} ({error}).",
        cause="A launch failed, or a handle of the device is stale.",
        mend="Nothing has changed: call again, or close the manager.",
    )

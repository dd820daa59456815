"""What a kernel's body or a host function sees of memory: its declared bytes, each use watched.

It decides whether a use is within the declaration; it lets the use happen all the same, as a GPU
would, unless there is no such byte.
"""

from __future__ import annotations

from kvimpl.device.port.values import Mode, View
from kvimpl.device.sim.clocks import Place
from kvimpl.device.sim.memory import Life
from kvimpl.device.sim.watch import Actor, Watch


class IllegalAddress(Exception):
    """A body used an address that is in no memory."""


class Argument:
    """One view argument of one execution; it serves no longer than that."""

    __slots__ = ("_actor", "_does", "_is_open", "_life", "_mode", "_place", "_view", "_watch")

    def __init__(
        self, watch: Watch, actor: Actor, does: str, view: View, life: Life, mode: Mode, at: Place
    ) -> None:
        self._watch = watch
        self._actor = actor
        self._does = does
        self._view = view
        self._life = life
        self._mode = mode
        self._place = at
        self._is_open = True

    @property
    def nbytes(self) -> int:
        """The length of the view."""
        return self._view.nbytes

    def read(self, start: int = 0, stop: int | None = None) -> bytes:
        """A copy of the bytes as they are now."""
        low, high = self._use(Mode.READ, start, self.nbytes if stop is None else stop)
        return bytes(self._life.block.bytes[low:high])

    def write(self, data: bytes, start: int = 0) -> None:
        """Change the bytes from start on."""
        low, high = self._use(Mode.WRITE, start, start + len(data))
        self._life.block.bytes[low:high] = data

    def close(self) -> None:
        """The execution is over."""
        self._is_open = False

    def _use(self, mode: Mode, start: int, stop: int) -> tuple[int, int]:
        if not self._is_open:
            raise IllegalAddress(f"{self._does} keeps an argument beyond its execution")
        span = (self._view.start + start, self._view.start + stop)
        if not 0 <= span[0] <= span[1] <= len(self._life.block.bytes):
            raise IllegalAddress(f"{self._view.buffer} has no bytes {span[0]} to {span[1]}")
        if span[0] == span[1]:
            return span
        allowed = self._mode.reads if mode is Mode.READ else self._mode.writes
        text = ""
        if not 0 <= start <= stop <= self.nbytes:
            text = f"the launch declares only {self._view}"
        elif not allowed:
            text = f"the launch declares that it only {self._mode.value}s {self._view}"
        if text:
            self._watch.undeclared(
                self._actor, self._does, mode, self._life, text, span, self._place
            )
        self._watch.touch(self._actor, self._does, mode, self._life, span, self._place)
        return span

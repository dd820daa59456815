"""Holds every access against the lifetime of its bytes and against all earlier accesses to them.

It decides what is a finding; order is decided by the vector clocks, execution by the device. One
finding a pair of calls: what a loop does again, or a long access meets again, is told once.
After a thousand findings a run keeps no more of them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType

from kvimpl.device.port.findings import Access, Finding, FindingKind, SourceLine
from kvimpl.device.port.values import Mode
from kvimpl.device.sim.clocks import Clock, Place, Seen, Shadow, fast
from kvimpl.device.sim.memory import LIVE, Life, Stage

FREE = "free of"
FINDINGS_MAX = 1_000
NOWHERE = Place("?", 0, "?")


class Actor:
    """A host task or a stream, with its vector clock."""

    __slots__ = ("clock", "name", "number")

    def __init__(self, number: int, name: str) -> None:
        self.number = number
        self.name = name
        self.clock: Clock = {number: 1}


class Watch:
    """The findings of one run."""

    def __init__(self, folders: tuple[str, ...]) -> None:
        """`folders` hold code that is not the program's: lines in them are never a place."""
        self.step = -1
        self._folders = folders
        self._inside: dict[str, bool] = {}
        self._found: dict[tuple[object, ...], tuple[FindingKind, str, Seen, Seen | None]] = {}

    @property
    def findings(self) -> tuple[Finding, ...]:
        """So far, in order."""
        return tuple(_told(*found) for found in self._found.values())

    def place(self) -> Place:
        """The innermost line of the program, which is in none of the folders."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            code = frame.f_code
            file = code.co_filename
            inside = self._inside.get(file)
            if inside is None:
                inside = self._inside[file] = file.startswith(self._folders)
            if not inside:
                return fast(Place, (file, frame.f_lineno, code.co_name))
            frame = frame.f_back
        return NOWHERE

    def seen(
        self, actor: Actor, does: str, mode: Mode, thing: object, span: tuple[int, int], at: Place
    ) -> Seen:
        """An access of the actor, now."""
        number, (start, stop) = actor.number, span
        when = (number, actor.clock[number], actor.name)
        return fast(Seen, (*when, does, mode, thing, start, stop, self.step, at))

    def touch(
        self, actor: Actor, does: str, mode: Mode, life: Life, span: tuple[int, int], at: Place
    ) -> None:
        """The actor uses bytes of a buffer: find what is wrong with that."""
        seen = self.seen(actor, does, mode, life.buffer, span, at)
        if life.stage is not LIVE:
            self._late(seen, life)
        self._ordered(seen, life.block.shadow, actor, life.ended)

    def touch_shared(
        self, actor: Actor, does: str, mode: Mode, name: str, shadow: Shadow, at: Place
    ) -> None:
        """The actor uses a shared value."""
        self._ordered(self.seen(actor, does, mode, name, (0, 1), at), shadow, actor, None)

    def freed(self, actor: Actor, life: Life, does: str, at: Place) -> Seen:
        """The memory of the buffer goes back: all other uses of it must have been before."""
        seen = self.seen(actor, does, Mode.WRITE, life.buffer, (0, len(life.block.bytes)), at)
        self._ordered(seen, life.block.shadow, actor, None)
        return seen

    def released(self, life: Life, clock: Clock) -> None:
        """All that the allocator waits for is done: all uses must have been before."""
        for old in life.block.shadow.unordered(len(life.block.bytes), clock):
            self.add(FindingKind.UNPROTECTED, UNPROTECTED, life.ended, old)

    def undeclared(
        self,
        actor: Actor,
        does: str,
        mode: Mode,
        life: Life,
        text: str,
        span: tuple[int, int],
        at: Place,
    ) -> None:
        """A body touched what its launch does not declare."""
        seen = self.seen(actor, does, mode, life.buffer, span, at)
        self.add(FindingKind.UNDECLARED, f"{{first}}, but {text}", seen, None)

    def leaked(self, actor: Actor, life: Life, at: Place) -> None:
        """A buffer outlived the device."""
        buffer = life.buffer
        seen = self.seen(actor, "close", Mode.READ, buffer, (0, buffer.nbytes), at)
        text = f"{buffer} ({buffer.nbytes} bytes, {buffer.space.value}) was never freed"
        self.add(FindingKind.LEAK, text, seen, None)

    def _late(self, seen: Seen, life: Life) -> None:
        if life.stage is Stage.OVER:
            self.add(FindingKind.USE_AFTER_FREE, TOO_LATE, life.ended, seen)
        elif not life.held_by:
            self.add(FindingKind.UNPROTECTED, UNPROTECTED, life.ended, seen)

    def _ordered(self, seen: Seen, shadow: Shadow, actor: Actor, ended: Seen | None) -> None:
        for old in shadow.touch(seen, actor.clock):
            is_free = old.does.startswith(FREE) or seen.does.startswith(FREE)
            if not (ended is not None and old.does == ended.does):
                kind = FindingKind.USE_AFTER_FREE if is_free else FindingKind.RACE
                self.add(kind, UNORDERED, old, seen)

    @staticmethod
    def worded(seen: Seen) -> str:
        """The access in words."""
        return str(access_of(seen))

    def add(self, kind: FindingKind, says: str, first: Seen | None, second: Seen | None) -> None:
        """One finding a pair of calls in the source, the first; its words are made when asked."""
        assert first is not None
        key = (kind, _call(first), None if second is None else _call(second))
        if len(self._found) < FINDINGS_MAX:
            self._found.setdefault(key, (kind, says, first, second))


def _call(seen: Seen) -> tuple[object, ...]:
    return (seen.actor, seen.does, seen.place)


UNORDERED = (
    "{second}, and nothing orders it after this: {first}. "
    "In another run they may execute the other way round."
)
TOO_LATE = "{second}, but the buffer's life had ended: {first}"
UNPROTECTED = (
    "{second}, and nothing orders it before the events that the allocator waits for since "
    "{first}. The memory may be given out again while it is used."
)


def _told(kind: FindingKind, says: str, first: Seen, second: Seen | None) -> Finding:
    """The finding in words."""
    one, two = access_of(first), None if second is None else access_of(second)
    says = says.replace("{first}", str(one)).replace("{second}", str(two))
    return Finding(kind, says, one, two)


def _short(file: str) -> str:
    """The file and its folder: the same on every machine."""
    return "/".join(Path(file).parts[-2:])


def access_of(seen: Seen) -> Access:
    """The access in the port's words."""
    shared = isinstance(seen.buffer, str)
    return Access(
        does=seen.does,
        mode=seen.mode,
        buffer=str(seen.buffer),
        start=0 if shared else seen.start,
        stop=0 if shared else seen.stop,
        actor=seen.actor_name,
        step=seen.step,
        source=SourceLine(_short(seen.place.file), seen.place.line, seen.place.function),
    )

"""Holds every access against the lifetime of its bytes and against all earlier accesses to them.

It decides what is a finding; order is decided by the vector clocks, execution by the device. One
finding a pair of accesses: what a whole-buffer access meets segment by segment is told once.
"""

from __future__ import annotations

import sys
from types import FrameType

from kvimpl.device.port.findings import Access, Finding, FindingKind, SourceLine
from kvimpl.device.port.values import Mode
from kvimpl.device.sim.clocks import Clock, Place, Seen, Shadow
from kvimpl.device.sim.memory import Life, Stage

FREE = "free of"
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

    def __init__(self, device_folder: str) -> None:
        self.step = -1
        self._folder = device_folder
        self._inside: dict[object, bool] = {}
        self._findings: dict[tuple[FindingKind, object, object], Finding] = {}

    @property
    def findings(self) -> tuple[Finding, ...]:
        """So far, in order."""
        return tuple(self._findings.values())

    def place(self) -> Place:
        """The innermost line of the program that is not the device's own."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            code = frame.f_code
            inside = self._inside.get(code)
            if inside is None:
                inside = self._inside[code] = code.co_filename.startswith(self._folder)
            if not inside:
                return Place(code.co_filename, frame.f_lineno, code.co_name)
            frame = frame.f_back
        return NOWHERE

    def seen(
        self, actor: Actor, does: str, mode: Mode, thing: object, span: tuple[int, int], at: Place
    ) -> Seen:
        """An access of the actor, now."""
        time = actor.clock[actor.number]
        return Seen(
            actor.number, time, actor.name, does, mode, thing, span[0], span[1], self.step, at
        )

    def touch(
        self, actor: Actor, does: str, mode: Mode, life: Life, span: tuple[int, int], at: Place
    ) -> None:
        """The actor uses bytes of a buffer: find what is wrong with that."""
        seen = self.seen(actor, does, mode, life.buffer, span, at)
        if life.stage is not Stage.LIVE:
            self._late(seen, life, actor)
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
        says = f"{access_of(seen)}, but {text}. What is not declared cannot be ordered."
        self._add(FindingKind.UNDECLARED, says, seen, None)

    def leaked(self, actor: Actor, life: Life, at: Place) -> None:
        """A buffer outlived the device."""
        seen = self.seen(actor, "close", Mode.READ, life.buffer, (0, life.buffer.nbytes), at)
        says = (
            f"{life.buffer} ({life.buffer.nbytes} bytes, {life.buffer.space.value}) was never freed"
        )
        self._add(FindingKind.LEAK, says, seen, None)

    def _late(self, seen: Seen, life: Life, actor: Actor) -> None:
        if life.stage is Stage.OVER:
            says = f"{access_of(seen)}, but its life had ended: {access_of(life.ended)}"
            self._add(FindingKind.USE_AFTER_FREE, says, life.ended, seen)
        elif actor.name not in life.noted:
            says = (
                f"{access_of(seen)}, after {access_of(life.ended)}; the allocator does not wait "
                f"for {actor.name} before it gives the memory out again"
            )
            self._add(FindingKind.UNPROTECTED, says, life.ended, seen)

    def _ordered(self, seen: Seen, shadow: Shadow, actor: Actor, ended: Seen | None) -> None:
        for old in shadow.touch(seen, actor.clock):
            if old is ended:
                continue
            ends = [a for a in (old, seen) if a.does.startswith(FREE)]
            kind = FindingKind.USE_AFTER_FREE if ends else FindingKind.RACE
            says = (
                f"{access_of(seen)}, and nothing orders it after this: {access_of(old)}. "
                "In another run they may execute the other way round."
            )
            self._add(kind, says, old, seen)

    def _add(self, kind: FindingKind, says: str, first: Seen | None, second: Seen | None) -> None:
        assert first is not None
        key = (kind, _site(first), second and _site(second))
        if key not in self._findings:
            then = access_of(second) if second is not None else None
            self._findings[key] = Finding(kind, says, access_of(first), then)


def access_of(seen: Seen | None) -> Access:
    """The access in the port's words."""
    assert seen is not None
    shared = isinstance(seen.buffer, str)
    return Access(
        does=seen.does,
        mode=seen.mode,
        buffer=str(seen.buffer),
        start=0 if shared else seen.start,
        stop=0 if shared else seen.stop,
        actor=seen.actor_name,
        step=seen.step,
        source=SourceLine(*seen.place),
    )


def _site(seen: Seen) -> tuple[object, ...]:
    """What tells one access from another: the same call at the same step is one."""
    return (seen.actor, seen.step, seen.does, seen.buffer, seen.place)

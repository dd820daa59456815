"""Writes calls down while a program runs: who called, from which line, at which steps.

It decides the line that a call is blamed on: the innermost that belongs to the program, and not to
the folders of code that lie between it and the device.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from threading import get_ident
from types import FrameType, TracebackType

from kvcheck.race.journal import NO_LINE, Call, Does, Journal, On, Use
from kvimpl.device.port.findings import SourceLine
from kvimpl.device.port.values import Op


class Notes:
    """The journal of a run that is going on. `step` is asked for the number of steps so far."""

    def __init__(self, *, step: Callable[[], int], folders: tuple[str, ...]) -> None:
        self.blocking: set[str] = set()
        self.step = step
        self.calls: list[Call] = []
        self._folders = folders
        self._executed: list[tuple[int, int]] = []
        self._count = 0
        self._tasks = {get_ident(): "host"}

    def journal(self) -> Journal:
        """What has been noted so far."""
        return Journal(tuple(self.calls), frozenset(self.blocking), tuple(self._executed))

    def begin_task(self, name: str) -> None:
        """The thread that calls this is the host task of that name."""
        self._tasks[get_ident()] = name

    def executed(self, op: Op) -> None:
        """The device has just executed this."""
        self._executed.append((self.step() - 1, op.number))

    def task(self) -> str:
        """The task that is calling."""
        return self._tasks.get(get_ident(), "?")

    def next_id(self) -> int:
        """A number for a call, from 1."""
        self._count += 1
        return self._count

    def line(self) -> SourceLine:
        """The program's line that is calling."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            code = frame.f_code
            if not code.co_filename.startswith(self._folders):
                file = "/".join(Path(code.co_filename).parts[-2:])
                return SourceLine(file, frame.f_lineno, code.co_name)
            frame = frame.f_back
        return NO_LINE


class Noting:
    """One call, from before it is made until after; a call that raises is not noted."""

    def __init__(
        self,
        notes: Notes,
        around: tuple[Callable[[int], None], Callable[[int], None]],
        does: Does,
        label: str,
        *,
        stream: str = "",
        on: On | None = None,
        number: int = 0,
        uses: tuple[Use, ...] = (),
        returns_done: bool = False,
    ) -> None:
        self._notes = notes
        self._around = around
        self._does = does
        self._label = label
        self._stream = stream
        self._on = on
        self._number = number
        self._uses = uses
        self._returns_done = returns_done
        self._op = 0
        self._first = 0
        self._line = NO_LINE
        self.id = 0
        self.answer = True

    def enqueued(self, op: Op) -> Op:
        """The call has enqueued this."""
        self._op = op.number
        return op

    def __enter__(self) -> Noting:
        self.id = self._notes.next_id()
        self._around[0](self.id)
        self._line = self._notes.line()
        self._first = self._notes.step()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            return
        self._notes.calls.append(
            Call(
                id=self.id,
                task=self._notes.task(),
                does=self._does,
                label=self._label,
                at=self._line,
                steps=(self._first, self._notes.step() - 1),
                stream=self._stream,
                on=self._on,
                answer=self.answer,
                number=self._number,
                op=self._op,
                uses=self._uses,
                returns_done=self._returns_done,
            )
        )
        self._around[1](self.id)

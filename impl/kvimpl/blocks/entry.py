"""The way into one manager: under its lock, and only while it is open and whole.

It decides who may begin a call, not what the call does. The idea: what it remembers is of the
manager and nothing of a call, so one object serves every call of every thread.
"""

from __future__ import annotations

from types import TracebackType

from kvimpl.blocks import refusals
from kvimpl.blocks.errors import Broken
from kvimpl.device.port import Lock


class Entry:
    """Holds the lock for one call; a call that raises `Broken` is the last one.

    Raises, on entering:
        Closed: the manager was closed.
        Broken: the device failed in an earlier call.
    """

    __slots__ = ("_lock", "closed", "fault")

    def __init__(self, lock: Lock) -> None:
        self._lock = lock
        self.closed = False
        self.fault: Broken | None = None

    def __enter__(self) -> None:
        self._lock.__enter__()
        if self.closed or self.fault is not None:
            refusal = refusals.closed() if self.fault is None or self.closed else self.fault
            self._lock.__exit__(type(refusal), refusal, None)
            raise refusal

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, Broken):
            self.fault = error
        self._lock.__exit__(kind, error, trace)

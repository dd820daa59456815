"""Locks, shared values, tasks and byte accesses of the host, each noted as it takes effect.

They decide nothing: what they wrap does the work.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Generic, TypeVar

from kvcheck.race.journal import Does
from kvcheck.race.notes import Noting
from kvimpl.device.port.device import Lock, Shared, Task

T = TypeVar("T")


class NotedAccess:
    """Bytes of host memory for the length of a `with` block."""

    def __init__(self, inner: AbstractContextManager[memoryview], call: Noting) -> None:
        self._inner = inner
        self._call = call

    def __enter__(self) -> memoryview:
        with self._call:
            return self._inner.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._inner.__exit__(kind, error, trace)


class NotedLock:
    """A lock whose taking and giving back are noted."""

    def __init__(self, inner: Lock, noting: Callable[[Does], Noting]) -> None:
        self._inner = inner
        self._noting = noting

    def __enter__(self) -> None:
        with self._noting(Does.ACQUIRE):
            self._inner.__enter__()

    def __exit__(self, *raised: object) -> None:
        with self._noting(Does.RELEASE):
            self._inner.__exit__(*raised)


class NotedShared(Generic[T]):
    """A shared value whose uses are noted."""

    def __init__(self, inner: Shared[T], noting: Callable[[str], Noting]) -> None:
        self._inner = inner
        self._noting = noting

    def get(self) -> T:
        """The value now."""
        with self._noting("get"):
            return self._inner.get()

    def set(self, value: T) -> None:
        """Replace the value."""
        with self._noting("set"):
            self._inner.set(value)


class NotedTask:
    """A task whose joining is noted."""

    def __init__(self, inner: Task, noting: Callable[[], Noting]) -> None:
        self._inner = inner
        self._noting = noting

    def join(self) -> None:
        """Return when it has ended."""
        with self._noting():
            self._inner.join()

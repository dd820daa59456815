"""Host tasks of a CUDA device: real threads, real locks, values that are not watched.

It decides what a mistake with them raises; who goes first is the operating system's choice.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock, Thread, get_ident
from typing import Generic, TypeVar

from kvimpl.device.port.errors import Refused

T = TypeVar("T")


class HostLock:
    """Mutual exclusion between threads; taking it twice is refused, not waited for."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = Lock()
        self._holder: int | None = None

    def __enter__(self) -> None:
        if self._holder == get_ident():
            raise Refused(
                f"'{self._name}' is taken twice by one thread, which would wait for itself for "
                "ever. The lock is not reentrant. Take it once, further out."
            )
        self._lock.acquire()
        self._holder = get_ident()

    def __exit__(self, *_: object) -> None:
        self._holder = None
        self._lock.release()


class HostShared(Generic[T]):
    """A value; that its uses are ordered is the program's part, and checked in simulation only."""

    def __init__(self, value: T) -> None:
        self._value = value

    def get(self) -> T:
        """The value now."""
        return self._value

    def set(self, value: T) -> None:
        """Replace the value."""
        self._value = value


class HostTask:
    """A thread that was started; `enter` is called on it first."""

    def __init__(self, name: str, body: Callable[[], None], enter: Callable[[], None]) -> None:
        self._body = body
        self._enter = enter
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Return when it has ended; an exception it ended with is raised here, once."""
        self._thread.join()
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _run(self) -> None:
        try:
            self._enter()
            self._body()
        except BaseException as error:  # kept whole, and raised again where it is waited for
            self._error = error

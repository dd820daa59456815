"""Shared values that are numbered, made of the port's `shared`; every device has them.

It decides nothing but that each use of a place is a use of its own shared value. The idea: code
reads `refs[b] += 1`, and a simulated device sees a get and a set of `refs[b]`, with that line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from kvimpl.device.port.device import Shared

T = TypeVar("T")
V = TypeVar("V")


class _Sharing(Protocol):
    def shared(self, name: str, value: V) -> Shared[V]: ...


class SharedRow(Generic[T]):
    """A row of shared values.

    `now` has the values for who only looks at a run: to read it is no use of them, so a manager's
    own code must not.
    """

    def __init__(self, device: _Sharing, name: str, values: Sequence[T]) -> None:
        self.now = list(values)
        self._uses = [device.shared(f"{name}[{at}]", value) for at, value in enumerate(values)]

    def __getitem__(self, at: int) -> T:
        return self._uses[at].get()

    def __setitem__(self, at: int, value: T) -> None:
        self._uses[at].set(value)
        self.now[at] = value

"""The host's accesses in one call each, made of the port's `host`; every device has these two.

They decide nothing but that what is written is as long as where it goes.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from kvimpl.device.port.errors import Refused
from kvimpl.device.port.values import Mode, View


class _Hosted(Protocol):
    def host(self, view: View, mode: Mode) -> AbstractContextManager[memoryview]: ...


def read_whole(device: _Hosted, view: View) -> bytes:
    """The bytes of the view as they are now."""
    with device.host(view, Mode.READ) as data:
        return bytes(data)


def write_whole(device: _Hosted, view: View, data: bytes) -> None:
    """Replace all bytes of the view. Raises: Refused if the lengths differ."""
    if len(data) != view.nbytes:
        raise Refused(
            f"{len(data)} bytes were to be written to {view}, which has {view.nbytes}. The "
            "lengths must be equal. Take a view of the right length."
        )
    with device.host(view, Mode.WRITE) as place:
        place[:] = data

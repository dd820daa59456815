"""Which managers can be examined: the two right ones, and the known bugs of each by their ids."""

from __future__ import annotations

from collections.abc import Callable

from kvcheck.linear.calls import Manager
from kvcheck.linear.drive import Build, manager_of
from kvimpl.blocks import PoolSettings
from kvimpl.device.port import Device, Stream

RIGHT = "blocks"
SHARED = "shared"


def names() -> tuple[str, ...]:
    """The right ones first."""
    from kvimpl.bugs import BUGS
    from kvimpl.bugs.shared import SHARED_BUGS

    return (RIGHT, SHARED, *BUGS, *SHARED_BUGS)


def build_of(name: str) -> Build:
    """What builds the manager of this name. Raises: KeyError."""
    from kvimpl.bugs import BUGS
    from kvimpl.bugs.shared import SHARED_BUGS
    from kvimpl.shared import SharedManager

    if name == RIGHT:
        return manager_of
    if name == SHARED:
        return _shared(SharedManager)
    if name in SHARED_BUGS:
        return _shared(SHARED_BUGS[name].build)
    bug = BUGS[name]
    return lambda device, settings, compute: bug.build(
        device, settings, compute=compute, clock=lambda: 0.0
    )


def _shared(make: Callable[..., Manager]) -> Build:
    def build(device: Device, settings: PoolSettings, compute: Stream) -> Manager:
        return make(device, settings, compute=compute)

    return build

"""Which managers can be examined: the right one, and the known bugs of it by their ids."""

from __future__ import annotations

from kvcheck.linear.drive import Build, manager_of

RIGHT = "blocks"


def names() -> tuple[str, ...]:
    """The right one first."""
    from kvimpl.bugs import BUGS

    return (RIGHT, *BUGS)


def build_of(name: str) -> Build:
    """What builds the manager of this name. Raises: KeyError."""
    from kvimpl.bugs import BUGS

    if name == RIGHT:
        return manager_of
    bug = BUGS[name]
    return lambda device, settings, compute: bug.build(
        device, settings, compute=compute, clock=lambda: 0.0
    )

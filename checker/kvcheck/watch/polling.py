"""A schedule for programs that poll: a host that only asks and reads is not always served first.

It decides nothing else; every other choice is the schedule's behind it. Host first, a loop such as
`while not event.query()` would never end, which no device does to its host.
"""

from __future__ import annotations

from collections.abc import Sequence

from kvimpl.device.port.steps import Pending, Schedule

ASKS = ("query ", "host read")
PATIENCE = 100


class Served:
    """Another schedule; after so many steps that only ask, a stream goes once."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._asked = 0

    def pick(self, pending: Sequence[Pending]) -> int:
        """What the other schedule picks, or the first stream."""
        index = self._schedule.pick(pending)
        chosen = pending[index]
        if not chosen.is_host or not chosen.does.startswith(ASKS):
            self._asked = 0
            return index
        self._asked += 1
        streams = [at for at, one in enumerate(pending) if not one.is_host]
        if self._asked <= PATIENCE or not streams:
            return index
        self._asked = 0
        return streams[0]

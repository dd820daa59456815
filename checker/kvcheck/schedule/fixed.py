"""Two schedules without choice: the device as late as possible, and as early as possible.

They decide one run each. The first gives every overlap the widest window; the second is what a
synchronous mock of a device would do, and shows what such a mock cannot see.
"""

from __future__ import annotations

from collections.abc import Sequence

from kvimpl.device.port.steps import Pending


class HostFirst:
    """Streams execute only when every host task waits."""

    def pick(self, pending: Sequence[Pending]) -> int:
        """The first host task that can go on, else the first stream."""
        return 0


class Eager:
    """Host tasks go on only when every stream is empty or waits."""

    def pick(self, pending: Sequence[Pending]) -> int:
        """The first stream that can go on, else the first host task."""
        for index, one in enumerate(pending):
            if not one.is_host:
                return index
        return 0

"""How the host waits for an event: inside CUDA, or by asking again until its patience ends.

It decides when waiting has become being stuck. The idea: a wait inside CUDA cannot be ended, so a
stream that never progresses would hang the program without a word; asking can end in an error.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from kvimpl.device.port.errors import DeviceStuck

QUICK_POLLS = 200
PAUSE_SECONDS = 50e-6


@dataclass(frozen=True, slots=True)
class Watchdog:
    """Gives up after so many seconds. The first polls follow each other at once."""

    seconds: float = 60.0
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep

    def until(self, is_done: Callable[[], bool], does: str) -> None:
        """Return when it is done.

        Raises:
            DeviceStuck: it is not, after all this time.
        """
        start, polls = self.clock(), 0
        while not is_done():
            polls += 1
            if self.clock() - start > self.seconds:
                raise DeviceStuck(
                    f"After {self.seconds:g} s and {polls} polls the host still cannot {does}. A "
                    "kernel does not end, or streams wait for each other. End the process; raise "
                    "Watchdog.seconds if the work is that long."
                )
            if polls > QUICK_POLLS:
                self.pause(PAUSE_SECONDS)

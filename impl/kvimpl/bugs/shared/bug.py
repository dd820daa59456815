"""What a known bug of the shared manager is: a method or two overridden, of it or of its books.

It decides nothing about how a bug is found. The idea: a bug says which kinds of check see it in
some order of its threads, so that a check which stays silent where it should speak is noticed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from kvimpl.blocks.settings import PoolSettings
from kvimpl.device.port import Device, Stream
from kvimpl.shared import Books, SharedManager, SharedReporter


class Shows(Enum):
    """What sees a bug in some order of a program in which it can happen at all.

    The design refuses a step; the device finds a race, a lost update or a lock taken in a circle;
    a reader or kernel gets other bytes than its key's; a counter of free blocks is wrong, at the
    end or before; a proper call is refused; the answers of some calls have no order.
    """

    LOCKSTEP = "lockstep"
    RACES = "races"
    PAYLOAD = "payload"
    COUNTS = "counts only"
    ERRORS = "errors"
    LINEAR = "linear"


@dataclass(frozen=True, kw_only=True)
class SharedBug:
    """One wrong variant of the shared manager.

    `id` is the file's name with dashes, and the same as in `kvspec.bugs`; `row` a row of case S3;
    `source` where it happened; `sentence` what is wrong; `shows` all that sees it.
    """

    id: str
    row: str
    source: str
    sentence: str
    shows: frozenset[Shows]
    manager: type[SharedManager] = SharedManager
    books: type[Books] = Books

    def build(
        self,
        device: Device,
        settings: PoolSettings,
        *,
        compute: Stream,
        reporter: SharedReporter | None = None,
    ) -> SharedManager:
        """The wrong manager.

        Raises:
            PoolTooLarge: the device gave no memory for the slots.
        """
        return self.manager(device, settings, compute=compute, reporter=reporter, books=self.books)

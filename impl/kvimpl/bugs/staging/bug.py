"""What a known bug of staging is: one of the two stagings with a method or two overridden.

It decides nothing about how a bug is found. The idea: a bug says at which orders of the device it
shows itself, so that a judge which runs fewer is known to be blind to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from kvimpl.device.port import Device, Stream
from kvimpl.staging import CopiedStaging, GatheredStaging, IndexMapper, PageTable, Staging


class Shows(Enum):
    """Which run shows a bug.

    `ANY_RUN`: one run under any order reports it. What the host does may depend on what the device
    has done by then: `LATE_DEVICE` shows in a run in which the device stays behind and not in one
    in which it keeps up, `PROMPT_DEVICE` the other way round; all orders together show both.
    `READERS`: nothing is unordered; readers on the host see rows that are not the table's, always.
    `ROWS`: nothing is unordered; readers and the device are given another request's rows, always.
    `ERROR`: what a right staging does is refused, always. `STEPS`: rows and order are right, and
    only a judge of each step sees it.
    """

    ANY_RUN = "any run"
    LATE_DEVICE = "late device"
    PROMPT_DEVICE = "prompt device"
    READERS = "readers"
    ROWS = "rows"
    ERROR = "error"
    STEPS = "steps"


@dataclass(frozen=True, kw_only=True)
class StagingBug:
    """One wrong variant of a staging.

    `id` is the file's name with dashes, and the same as in `kvspec.bugs` where that has the bug;
    `row` a row of the founding cases; `source` where it happened; `sentence` what is wrong.
    `refused_at` is the action of the design that it takes, at the latest, when the design refuses
    it: in every order, or in those that `shows` names.
    """

    id: str
    row: str
    source: str
    sentence: str
    shows: Shows
    refused_at: str
    staging: type[CopiedStaging] | type[GatheredStaging]
    index: type[IndexMapper] = IndexMapper

    @property
    def is_gathered(self) -> bool:
        """Whether it is a variant of the staging by gather."""
        return issubclass(self.staging, GatheredStaging)

    def build(self, device: Device, table: PageTable, stream: Stream, *, depth: int = 2) -> Staging:
        """The wrong staging; a depth is for those that gather.

        Raises:
            StagingFault: the device gave no memory.
        """
        if issubclass(self.staging, GatheredStaging):
            return self.staging(device, table, stream, depth=depth)
        return self.staging(device, table, stream)

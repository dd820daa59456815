"""What a device found wrong, as data that reads as prose: both accesses, who, when and where.

It decides what a finding holds and how its sentence reads; what is wrong is decided by the device.
A finding is a fact of the one run it was made in; `step` counts that run's steps from 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from kvimpl.device.port.values import Mode


class FindingKind(Enum):
    """What is wrong: see each sentence."""

    RACE = "race"
    USE_AFTER_FREE = "use after free"
    UNPROTECTED = "unprotected"
    UNDECLARED = "undeclared access"
    LEAK = "leak"
    LOST_UPDATE = "lost update"
    LOCK_ORDER = "lock order"


@dataclass(frozen=True, slots=True)
class SourceLine:
    """The line of code outside the device that made the call."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} in {self.function}"


@dataclass(frozen=True, slots=True)
class Access:
    """One access to one range of bytes of one life of one buffer."""

    does: str
    mode: Mode
    buffer: str
    start: int
    stop: int
    actor: str
    step: int
    source: SourceLine

    @property
    def place(self) -> str:
        """The buffer and the range; a shared value has no range."""
        return f"{self.buffer}[{self.start}:{self.stop}]" if self.stop else self.buffer

    def __str__(self) -> str:
        verb = {Mode.READ: "reads", Mode.WRITE: "writes", Mode.READ_WRITE: "reads and writes"}
        where = f"on {self.actor} at step {self.step} ({self.source})"
        return f"{self.does} {verb[self.mode]} {self.place} {where}"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and the one or two accesses that show it, the earlier executed first."""

    kind: FindingKind
    says: str
    first: Access
    second: Access | None = None

    def __str__(self) -> str:
        return f"{self.kind.value}: {self.says}"

"""What a known bug of the implementation is: the manager with a method or two overridden.

It decides nothing about how a bug is found. The idea: a bug says by which kind of evidence it can
be seen at all, so that a judge which looks at less is known to be blind to it, and one that looks
at enough and stays silent is noticed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from kvimpl.blocks.manager import BlockManager
from kvimpl.blocks.pool import BlockPool
from kvimpl.blocks.settings import PoolSettings
from kvimpl.device.port import Device, Stream
from kvspec.events import Reporter


class Evidence(Enum):
    """The least that must be looked at to see a bug: each value sees what those before it see.

    A step of the design, with the state shown after it; a part inside a step; the bytes, or the
    device's order of accesses to them.
    """

    STEP = "step"
    PART = "part"
    BYTES = "bytes"


class Needs(Enum):
    "What a run must have for the bug to show, besides calls of one thread."

    PRIORITIES = "priorities with a time"
    THREADS = "a second thread"


@dataclass(frozen=True, kw_only=True)
class Bug:
    """One wrong variant of the manager.

    `id` is the file's name with dashes, and the same as in `kvspec.bugs` where that has the bug;
    `row` a row of the founding cases, an invariant or a catalogue number; `design` the machine in
    kvspec.models that refuses it; `source` where it happened; `sentence` what is wrong; `settings`
    the sizes at which it shows, in the words of `PoolSettings`.
    """

    id: str
    row: str
    design: str
    source: str
    sentence: str
    evidence: Evidence
    pool: type[BlockPool] = BlockPool
    manager: type[BlockManager] = BlockManager
    needs: frozenset[Needs] = frozenset()
    settings: Mapping[str, int] = field(
        default_factory=lambda: {"primary_count": 1, "secondary_count": 1}
    )

    def sized(self, **others: Any) -> PoolSettings:  # Any: the fields of PoolSettings
        """Settings at which the bug shows; `others` win over its own.

        Raises:
            SizeError: a size is absurd.
        """
        fields: dict[str, Any] = {"slot_bytes": 64, **self.settings, **others}
        return PoolSettings(**fields)

    def build(
        self,
        device: Device,
        settings: PoolSettings,
        *,
        compute: Stream,
        clock: Callable[[], float],
        reporter: Reporter | None = None,
    ) -> BlockManager:
        """The wrong manager.

        Raises:
            PoolTooLarge: the device gave no memory for the slots.
        """
        return self.manager(
            device, settings, compute=compute, clock=clock, reporter=reporter, pool=self.pool
        )

"""What a simulated device is told at its start: how it reads the manuals, what it has, what fails.

It decides no behaviour; each choice here is one that CUDA or an allocator leaves open, so that a
program can be run under every reading of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from kvimpl.device.port.values import Space

POISON = 0xDB
UNWRITTEN = 0xCD


class Pageable(Enum):
    """When a copy touches pageable memory (CUDA: "may" be staged, "might" be synchronous).

    `STAGED`: the source is read before the call returns, and a copy into pageable memory returns
    when it has completed. `LATE`: both happen in stream order, as on systems with coherent memory.
    """

    STAGED = "staged"
    LATE = "late"


class PinnedAllocator(Enum):
    """Whose rules pinned memory is given out by: see `kvimpl.device.sim.pinned`."""

    PLAIN = "plain"
    TORCH = "torch"
    CUPY = "cupy"


@dataclass(frozen=True, slots=True)
class LaunchFault:
    """The at-th launch (from 1) is refused."""

    at: int


@dataclass(frozen=True, slots=True)
class AllocationFault:
    """The at-th allocation (from 1) finds no memory."""

    at: int


@dataclass(frozen=True, slots=True)
class CopyFault:
    """The at-th enqueued copy (from 1) moves only its first bytes, then the device has failed."""

    at: int
    moves: int = 0


@dataclass(frozen=True, slots=True)
class StuckStream:
    """The stream executes so many operations, and then none ever again."""

    stream: str
    after: int = 0


Fault: TypeAlias = LaunchFault | AllocationFault | CopyFault | StuckStream


@dataclass(frozen=True, slots=True, kw_only=True)
class SimOptions:
    """Options of one simulated device.

    `capacity` is the number of bytes of each space; a space without an entry is unlimited.
    `steps_max` ends a run that polls for ever under a schedule that never serves it.
    """

    pageable: Pageable = Pageable.STAGED
    pinned: PinnedAllocator = PinnedAllocator.TORCH
    capacity: dict[Space, int] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    steps_max: int = 1_000_000

"""The simulated device: deterministic, every order of work reachable, every access watched."""

from __future__ import annotations

from kvimpl.device.sim.device import SimDevice
from kvimpl.device.sim.options import (
    POISON,
    AllocationFault,
    CopyFault,
    Fault,
    LaunchFault,
    Pageable,
    PinnedAllocator,
    SimOptions,
    StuckStream,
)
from kvimpl.device.sim.ran import Ran, run

__all__ = [
    "POISON",
    "AllocationFault",
    "CopyFault",
    "Fault",
    "LaunchFault",
    "Pageable",
    "PinnedAllocator",
    "Ran",
    "SimDevice",
    "SimOptions",
    "StuckStream",
    "run",
]

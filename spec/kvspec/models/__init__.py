"""Our designs, one machine a file, by the name that the command line takes.

To add one: its file, its line here, its tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from kvspec.lang import Machine
from kvspec.models.copies import OrderedCopies
from kvspec.models.fills import HotCopies
from kvspec.models.locks import OrderedLocks
from kvspec.models.objects import ObjectStore
from kvspec.models.offload import OffloadSteps
from kvspec.models.pins import PinnedPool
from kvspec.models.remote import SharedPool
from kvspec.models.retention import RetentionPool
from kvspec.models.staging_v1 import StagedTable
from kvspec.models.staging_v2 import GatheredRows
from kvspec.models.stored import StoredQueues
from kvspec.models.tiers import TieredPool
from kvspec.models.window import WindowPool

MACHINES: Mapping[str, type[Machine]] = MappingProxyType(
    {
        "tiers": TieredPool,
        "offload": OffloadSteps,
        "stored": StoredQueues,
        "retention": RetentionPool,
        "pins": PinnedPool,
        "window": WindowPool,
        "copies": OrderedCopies,
        "staging-v1": StagedTable,
        "staging-v2": GatheredRows,
        "objects": ObjectStore,
        "fills": HotCopies,
        "locks": OrderedLocks,
    }
)

SEARCHED: Mapping[str, type[Machine]] = MappingProxyType({"remote": SharedPool})
"""Designs that are searched completely at stated sizes, and not proved yet."""

DESIGNS: Mapping[str, type[Machine]] = MappingProxyType({**MACHINES, **SEARCHED})

__all__ = ["DESIGNS", "MACHINES", "SEARCHED"]

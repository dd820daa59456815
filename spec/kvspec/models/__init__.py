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
from kvspec.models.remote_by_id import ByIdPool
from kvspec.models.remote_by_id_proof import ProvedByIdPool
from kvspec.models.remote_proof import ProvedPool
from kvspec.models.remote_recursive_lock import RecursiveLockPool
from kvspec.models.remote_short_lock import ShortLockPool
from kvspec.models.remote_try_lock import TryLockPool
from kvspec.models.retention import RetentionPool
from kvspec.models.staging_v1 import StagedTable
from kvspec.models.staging_v2 import GatheredRows
from kvspec.models.stored import StoredQueues
from kvspec.models.tiers import TieredPool
from kvspec.models.window import WindowPool

DESIGNS: Mapping[str, type[Machine]] = MappingProxyType(
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
        "remote": SharedPool,
    }
)
"""Each design as it is stated."""

STATED: Mapping[str, type[Machine]] = MappingProxyType({**DESIGNS, "remote-by-id": ByIdPool})
"""What a known bug is a variant of: the designs, and a right variant that has bugs of its own."""

PROOFS: Mapping[str, type[Machine]] = MappingProxyType({"remote": ProvedPool})
"""Designs with the lemmas that prove them, where those stand in a file of their own."""

MACHINES: Mapping[str, type[Machine]] = MappingProxyType({**DESIGNS, **PROOFS})
"""Each design with its lemmas: what is proved, searched and exported under its name."""

VARIANTS: Mapping[str, type[Machine]] = MappingProxyType(
    {
        "remote-try-lock": TryLockPool,
        "remote-recursive-lock": RecursiveLockPool,
        "remote-short-lock": ShortLockPool,
        "remote-by-id": ProvedByIdPool,
    }
)
"""Right variants of a design, which say what it could do otherwise and still be right."""

__all__ = ["DESIGNS", "MACHINES", "PROOFS", "STATED", "VARIANTS"]

"""Known bugs of the copy streams, one file each: an override of who waits for whom.

To add one: its file, its line here; `tests/unit/test_copies_bugs.py` runs all that are here. They
are not among the bugs of the manager: it hands no slot out while a copy uses it, so that no run of
the manager shows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from kvimpl.bugs.copies import kv_041, kv_042
from kvimpl.bugs.copies.bug import CopyBug

COPY_BUGS: Mapping[str, CopyBug] = MappingProxyType(
    {bug.id: bug for bug in (kv_041.BUG, kv_042.BUG)}
)

__all__ = ["COPY_BUGS", "CopyBug"]

"""Staging of page tables: how rows that the host goes on changing reach the device unharmed.

It holds names; `PageTable` with `CopiedStaging` or `GatheredStaging` is the place to start, and
`docs/staging.md` the page to read.
"""

from __future__ import annotations

from kvimpl.staging.copied import CopiedStaging
from kvimpl.staging.errors import (
    AlreadyBound,
    Closed,
    EmptyBatch,
    NoFreeSlot,
    SizeError,
    StagingError,
    StagingFault,
    StaleSlot,
    UnknownRequest,
)
from kvimpl.staging.gathered import GatheredStaging, Inputs
from kvimpl.staging.index import IndexMapper, Slot
from kvimpl.staging.shape import BAD_PAGE, PoolScale, Rows, TableShape
from kvimpl.staging.staging import Staging
from kvimpl.staging.table import PageTable, TableReader

__all__ = [
    "BAD_PAGE",
    "AlreadyBound",
    "Closed",
    "CopiedStaging",
    "EmptyBatch",
    "GatheredStaging",
    "IndexMapper",
    "Inputs",
    "NoFreeSlot",
    "PageTable",
    "PoolScale",
    "Rows",
    "SizeError",
    "Slot",
    "Staging",
    "StagingError",
    "StagingFault",
    "StaleSlot",
    "TableReader",
    "TableShape",
    "UnknownRequest",
]

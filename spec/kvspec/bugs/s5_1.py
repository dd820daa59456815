"""S5.1: the persistent table is the copy's source, and is refilled while the copy is pending."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.staging import Buffer
from kvspec.models.staging_v1 import Cache, StagedTable


class CopiedInPlace(StagedTable):
    """The copy is given the table itself, and the snapshot is made for nothing."""

    def source(self, b: Buffer, c: Cache) -> Buffer:
        return self.table[c]


BUG = Bug(
    id="s5-1",
    row="S5.1",
    design="staging-v1",
    machine=CopiedInPlace,
    source="TensorRT-LLM before #15546: host_kv_cache_block_offsets, copied without blocking",
    sentence="A pending copy sends the rows of a later batch.",
    breaks=(
        "tables_are_not_sources",
        "pending_rows_stand",
        "sends_what_was_staged",
    ),
)

"""Staging by copy as `staging-v1` has it: what is shown of it, and how its steps are worded.

It decides nothing that `staged` does not; one table is one cache of the design. The idea: buffers
are told apart by their bytes, so that memory which an allocator gives out again is the same buffer.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import kvspec.staging_events as events
from kvcheck.lockstep.staged import (
    BUFFER,
    OF_DEVICE,
    QUEUED,
    ROWS_MAX,
    Cells,
    Cursor,
    Field,
    Names,
    Seen,
    StagedDesign,
    TooMany,
    Words,
    design,
    table_rows,
    to_read,
)
from kvspec.lang.concrete import Arguments
from kvspec.models.staging import Stream
from kvspec.models.staging_v1 import StagedTable
from kvspec.staging_events import Rows

READERS_DEFAULT = 2


def staging_v1(*, slots: int, depth: int, readers: int = READERS_DEFAULT) -> StagedDesign:
    """The design of one table's staging by copy, with a host that is at most `depth` ahead."""
    sizes = {"N": depth + 1, "B": depth + 1, "S": slots, "C": 1, "R": readers, "D": depth}
    model = StagedTable.instance(V=ROWS_MAX, **sizes)
    return design("staging-v1", model, FIELDS, WORDS, sizes)


# ---- what the design has


def _row(rows: Cursor, names: Names, buffer: int, slot: int) -> Rows:
    says: int = rows.held[buffer * rows.slots + slot]
    return names.rows[says]


def _table(rows: Cursor, names: Names) -> Cells:
    return {"at": names.said(BUFFER, rows.table[0])}


def _rows(rows: Cursor, names: Names) -> Cells:
    return {f"slot{s}": _row(rows, names, rows.table[0], s) for s in range(rows.slots)}


def _to_read(rows: Cursor, names: Names) -> Cells:
    return {
        names.shipment_name(i): _row(rows, names, rows.source_of[i], rows.index_of[i])
        for i in rows.pending()
    }


def _noted(rows: Cursor, names: Names) -> Cells:
    used = rows.grid("used_on", len(Stream))
    return {
        f"memory{memory}": frozenset(
            names.stream_of(n) for n, is_used in enumerate(used[b]) if is_used
        )
        for memory, b in names.buffer_of.items()
        if rows.live[b] and b not in rows.table
    }


def _readers(rows: Cursor, names: Names) -> Cells:
    return {
        f"reader{r}": tuple(_row(rows, names, rows.table_of[r], s) for s in range(rows.slots))
        for r, has_asked in enumerate(rows.asked)
        if has_asked
    }


# ---- what is shown of it


def _shown_table(seen: Seen, place: int) -> Cells | None:
    return {"at": f"memory{seen.told.table}"} if seen.told.table else None


def _shown_noted(seen: Seen, place: int) -> Cells:
    return {f"memory{memory}": streams for memory, streams in seen.noted.items()}


def _shown_readers(seen: Seen, place: int) -> Cells:
    return {f"reader{r}": rows for r, rows in enumerate(seen.readers)}


FIELDS = (
    Field("table", _shown_table, _table),
    Field("rows", table_rows, _rows),
    QUEUED,
    Field("to_read", to_read, _to_read, by_place=True),
    Field("noted", _shown_noted, _noted),
    Field("readers", _shown_readers, _readers),
)


# ---- its steps


def _stage(event: events.Stage, names: Names, rows: Cursor, place: int) -> Arguments:
    slot, stream = event.slots[place % len(event.slots)], names.stream(event.stream)
    return (
        names.shipment(event.shipment),
        0,
        slot,
        names.buffer(event.source, _reusable(rows)),
        stream,
    )


def _ask(event: events.Ask, names: Names, rows: Cursor, place: int) -> Arguments:
    if event.reader >= len(rows.asked):
        raise TooMany(f"more than {len(rows.asked)} readers were made")
    return event.reader, 0


def _give_up(event: events.GiveUp, names: Names, rows: Cursor, place: int) -> Arguments | None:
    """What no shipment was made of is no buffer of the design."""
    known = names.buffer_of.get(event.source)
    return None if known is None else (known,)


def _reusable(rows: Cursor) -> list[int]:
    pending, guard = rows.pending(), rows.grid("guard", len(rows.moment))
    return [
        b
        for b, is_live in enumerate(rows.live)
        if not is_live and not any(guard[b][i] for i in pending)
    ]


WORDS: Mapping[type, Words] = MappingProxyType(
    {
        events.WriteRow: lambda e, names, _, __: (0, e.slot, names.row(e.rows)),
        events.Ask: _ask,
        events.Stage: _stage,
        events.GiveUp: _give_up,
        **OF_DEVICE,
    }
)

"""Staging by gather kernel as `staging-v2` has it: what is shown of it, how its steps are worded.

It decides nothing that `staged` does not. The idea: a request that is bound without a row of its
own yet is bound with the row that its slot has, and memory is a buffer from a launch to the end of
what is kept of it.
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
    Words,
    design,
    table_rows,
    to_read,
)
from kvspec.lang.concrete import Arguments
from kvspec.models.staging_v2 import GatheredRows


def staging_v2(*, slots: int, depth: int) -> StagedDesign:
    """The design of one table's staging by gather kernel, which keeps at most `depth` of them."""
    sizes = {"N": 2 * depth + 1, "B": depth + 1, "S": slots, "R": slots + 1, "D": depth}
    model = GatheredRows.instance(V=ROWS_MAX, **sizes)
    return design("staging-v2", model, FIELDS, WORDS, sizes)


# ---- what the design has


def _bound(rows: Cursor, names: Names) -> Cells:
    return {
        f"request{request}": f"slot{rows.slot_of[n]}"
        for request, n in names.request_of.items()
        if rows.bound[n]
    }


def _free(rows: Cursor, names: Names) -> Cells:
    return {"slots": frozenset(s for s, is_taken in enumerate(rows.taken) if not is_taken)}


def _rows(rows: Cursor, names: Names) -> Cells:
    return {f"slot{s}": names.rows[says] for s, says in enumerate(rows.row)}


def _kept(rows: Cursor, names: Names) -> Cells:
    at = [(i, names.said(BUFFER, rows.buffer_of[i])) for i in rows.retiring[0]]
    return {"in order": tuple(f"{names.shipment_name(i)} in {memory}" for i, memory in at)}


def _marks(rows: Cursor, names: Names) -> Cells:
    guard, pending = rows.grid("guard", len(rows.moment)), rows.pending()
    return {
        names.shipment_name(i): frozenset(names.shipment_name(u) for u in pending if guard[i][u])
        for i in rows.retiring[0]
    }


def _to_read(rows: Cursor, names: Names) -> Cells:
    held = rows.grid("held", rows.slots)
    return {
        names.shipment_name(i): names.rows[held[rows.buffer_of[i]][rows.index_of[i]]]
        for i in rows.pending()
    }


# ---- what is shown of it


def _shown_bound(seen: Seen, place: int) -> Cells | None:
    if seen.told.bound is None:
        return None
    return {f"request{request}": f"slot{slot}" for request, slot in seen.told.bound}


def _shown_free(seen: Seen, place: int) -> Cells | None:
    return None if seen.told.free is None else {"slots": seen.told.free}


def _shown_kept(seen: Seen, place: int) -> Cells | None:
    if seen.told.kept is None:
        return None
    kept = (f"shipment{one.shipment} in memory{one.source}" for one in seen.told.kept)
    return {"in order": tuple(kept)}


def _shown_marks(seen: Seen, place: int) -> Cells | None:
    if seen.marks is None:
        return None
    return {
        f"shipment{n}": frozenset(f"shipment{u}" for u in stands)
        for n, stands in seen.marks.items()
    }


FIELDS = (
    Field("bound", _shown_bound, _bound),
    Field("free", _shown_free, _free),
    Field("rows", table_rows, _rows),
    QUEUED,
    Field("kept", _shown_kept, _kept),
    Field("marks", _shown_marks, _marks),
    Field("to_read", to_read, _to_read, by_place=True),
)


# ---- its steps


def _bind(event: events.Bind, names: Names, rows: Cursor, place: int) -> Arguments:
    return names.request(event.request), event.slot, rows.row[event.slot]


def _launch(event: events.Launch, names: Names, rows: Cursor, place: int) -> Arguments:
    request = event.requests[place % len(event.requests)]
    free = [b for b, is_free in enumerate(rows.free) if is_free]
    buffer, stream = names.buffer(event.source, free), names.stream(event.stream)
    return names.shipment(event.shipment), names.request(request), buffer, stream


WORDS: Mapping[type, Words] = MappingProxyType(
    {
        events.Bind: _bind,
        events.WriteRow: lambda e, names, _, __: (names.request(e.request), names.row(e.rows)),
        events.EndRequest: lambda e, names, _, __: (names.request(e.request),),
        events.Launch: _launch,
        events.Retire: lambda e, names, _, __: (),
        **OF_DEVICE,
    }
)

"""Every cell is compared after every step, those too that the step does not write."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from block_bench import A, Bench, key
from tiers_judge import Judge as Sizes
from tiers_judge import play, settings_for

from kvcheck.lockstep import Design, Judge, OnRefusal, Reason, design_for, judge_recorded
from kvcheck.verdict import Outcome
from kvimpl.blocks import BlockPool
from kvimpl.device.port import Mark
from kvspec.events import (
    Allocate,
    BlockId,
    Commit,
    Detail,
    Event,
    Generation,
    Key,
    Observation,
    Priority,
    Release,
    RequestId,
    Shown,
    SlotId,
)

Pair = tuple[Event, Observation]
ONE = settings_for(Sizes(2, 2))
THREE = replace(
    ONE, priority_count=3, default_priority=Priority(1), offload_priority_min=Priority(1)
)
DESIGNS = {name: design_for(own.shape) for name, own in (("one", ONE), ("three", THREE))}
JUDGED = [
    (name, field)
    for name, design in DESIGNS.items()
    for field in [*dict.fromkeys(field.name for field in design.fields), "generations"]
    if field != "queued"  # the manager shows `free`, which says more
]


class Recording:
    "Keeps what is told and shown."

    def __init__(self) -> None:
        self.detail, self.pairs = Detail.PARTS, list[Pair]()

    def report(self, event: Event, shown: Shown) -> None:
        self.pairs.append((event, shown.observe()))


def recorded(name: str) -> list[Pair]:
    "A run in which steps of every type are taken; what did not change is shown as the same object."
    recording = Recording()
    play(Bench(ONE if name == "one" else THREE, reporter=recording), seed=1, count=200)
    return recording.pairs


RUNS = {name: recorded(name) for name in DESIGNS}


def judged(design: Design, pairs: list[Pair]) -> Judge:
    judge = Judge(design, on_refusal=OnRefusal.KEEP)
    judge_recorded(judge, pairs)
    return judge


def wrong(cells: Any) -> Any:  # Any: of a field's own type
    "Other cells of the same kind."
    if isinstance(cells, frozenset):
        return cells ^ {BlockId(0)}
    last, changed = cells[-1], None
    match last:
        case bool():
            changed = not last
        case int():
            changed = last + 1
        case None:
            changed = Key(b"another")
        case frozenset():
            changed = last ^ {A}
        case tuple():
            changed = (*last, 9)
    return (*cells[:-1], changed)


@pytest.mark.parametrize("name", DESIGNS)
def test_what_did_not_change_is_shown_as_the_same_object_and_holds(name: str) -> None:
    pairs = RUNS[name]
    again = [pairs[i][1].slot is pairs[i + 1][1].slot for i in range(len(pairs) - 1)]
    assert again.count(True) > len(again) / 2
    assert judged(DESIGNS[name], pairs).verdict().outcome is Outcome.HOLDS


@pytest.mark.parametrize(("name", "field"), JUDGED)
def test_a_cell_that_is_wrong_is_seen_after_a_step_of_any_type(name: str, field: str) -> None:
    pairs, kinds = RUNS[name], set[type]()
    for place, (event, seen) in enumerate(pairs):
        if type(event) in kinds or not hasattr(event, "action"):
            continue
        kinds.add(type(event))
        planted: Any = {field: wrong(getattr(seen, field))}
        altered = [*pairs[:place], (event, seen._replace(**planted)), *pairs[place + 1 :]]
        refusal = judged(DESIGNS[name], altered).refusal
        assert refusal is not None
        assert (refusal.number, refusal.reason) == (place + 1, Reason.SHOWN)
        assert field in {each.field for each in refusal.disagreements}
    assert len(kinds) >= 11  # all but Expire and a pin, which this run may lack


WRITTEN = ("slot", "refs", "pins", "holders", "cached", "free", "free_count", "pending")


@pytest.mark.parametrize("field", [*WRITTEN, "keys", "generations"])
def test_a_cell_that_a_step_of_any_type_should_write_and_did_not_is_seen(field: str) -> None:
    pairs, kinds, before = RUNS["one"], set[type](), RUNS["one"][0][1]
    for place, (event, seen) in enumerate(pairs):
        if not hasattr(event, "action"):
            continue
        old, before = getattr(before, field), seen
        if old == getattr(seen, field) or type(event) in kinds:
            continue
        kinds.add(type(event))
        planted: Any = {field: old}
        altered = [*pairs[:place], (event, seen._replace(**planted)), *pairs[place + 1 :]]
        refusal = judged(DESIGNS["one"], altered).refusal
        assert refusal is not None
        assert (refusal.number, refusal.reason) == (place + 1, Reason.SHOWN)
        assert field in {each.field for each in refusal.disagreements}
    assert kinds


@pytest.mark.parametrize("first", [0, 20])
def test_a_field_that_is_hidden_for_a_while_is_declared_and_judged_when_it_is_back(
    first: int,
) -> None:
    pairs, hidden = [*RUNS["one"]], range(first, first + 30)
    none: Any = {"refs": None}
    for n in hidden:
        pairs[n] = (pairs[n][0], pairs[n][1]._replace(**none))
    judge = judged(DESIGNS["one"], pairs)
    assert judge.verdict().outcome is Outcome.HOLDS
    assert "blind to order, payload, queued, refs" in judge.verdict().bound
    late: Any = {"refs": wrong(pairs[hidden.stop + 10][1].refs)}
    altered = (pairs[hidden.stop + 10][0], pairs[hidden.stop + 10][1]._replace(**late))
    pairs[hidden.stop + 10] = altered
    refusal = judged(DESIGNS["one"], pairs).refusal
    assert refusal is not None
    assert {each.field for each in refusal.disagreements} == {"refs"}


def test_a_set_that_is_shown_alive_is_compared_anew_each_time() -> None:
    holders = [set[RequestId]() for _ in range(4)]
    shown: Any = Observation(holders=tuple(holders))
    took = (Allocate(A, BlockId(0), SlotId(0), Generation(1)), shown)
    judge = Judge(DESIGNS["one"], on_refusal=OnRefusal.KEEP)
    holders[0].add(A)
    judge_recorded(judge, [took])
    assert judge.refusal is None
    holders[0].clear()
    judge_recorded(judge, [(Commit(BlockId(0), A, key("x")), shown)])
    assert judge.refusal is not None
    assert {each.field for each in judge.refusal.disagreements} == {"holders"}


def test_a_key_that_is_shown_alive_is_compared_anew_each_time() -> None:
    name = bytearray(key("x"))
    shown: Any = Observation(keys=(name, None, None, None))
    took = (Allocate(A, BlockId(0), SlotId(0), Generation(1)), Observation(keys=(None,) * 4))
    judge = Judge(DESIGNS["one"], on_refusal=OnRefusal.KEEP)
    judge_recorded(judge, [took, (Commit(BlockId(0), A, key("x")), shown)])
    assert judge.refusal is None
    name[0] ^= 1
    judge_recorded(judge, [(Release(BlockId(0), A), shown)])
    assert judge.refusal is not None
    assert {each.field for each in judge.refusal.disagreements} == {"keys"}


class Meddler(BlockPool):
    "Commits as it should, and writes a cell of a row that a commit does not write."

    row, cell = "", Any

    def commit(self, b: BlockId, r: RequestId, key: Key, ready: Mark) -> None:
        getattr(self, self.row)[-1] = self.cell
        super().commit(b, r, key, ready)


PLANTED = {
    "slot": SlotId(0),
    "refs": 1,
    "pins": 1,
    "holders": frozenset({A}),
    "keys": Key(b"another"),
    "generations": Generation(7),
}


@pytest.mark.parametrize("row", PLANTED)
def test_a_row_that_the_step_does_not_write_is_judged_too(row: str) -> None:
    pool = type("Planted", (Meddler,), {"row": row, "cell": PLANTED[row]})
    judge = Judge(DESIGNS["one"], on_refusal=OnRefusal.KEEP)
    at = Bench(ONE, reporter=judge, pool=pool)
    block = at.manager.allocate(A)
    at.write(block, "x")
    assert judge.refusal is None
    at.manager.commit(block, A, key("x"))
    assert judge.refusal is not None
    assert isinstance(judge.refusal.event, Commit)
    assert row in {each.field for each in judge.refusal.disagreements}

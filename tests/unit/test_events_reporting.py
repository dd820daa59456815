"""What is reported: under which lock, in which order, with what shown, and at what cost."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from block_bench import A, B, Bench, C, Teller, bench, key

from kvimpl.blocks import BlockHandle, Keep, NoFreeBlock, PoolSettings
from kvspec import events
from kvspec.events import Detail, Event, Observation, Shown
from kvspec.models import MACHINES

ROW = re.compile(r"^\| (\w+) +\| (step|part) \| (\S.*?) +\| (\S.*?) +\|$", re.MULTILINE)
ROWS = ROW.findall(events.__doc__ or "")


def kinds(alias: object) -> set[str]:
    return {kind.__name__ for kind in alias.__args__}  # type: ignore[attr-defined]


def everything(at: Bench) -> None:
    "One run in which every kind of event occurs."
    m = at.manager
    first = m.allocate(A, keep=Keep(priority=1, seconds=1.0))
    at.write(first, "x")
    m.commit(first, A, key("x"))
    m.release(first, A)
    second = m.allocate(B)
    at.settle()
    receipt = m.pin_key(key("x"))
    assert receipt is not None
    m.unpin(receipt)
    m.commit(second, B, key("y"))
    m.release(second, B)
    third = m.acquire(C, key("x"))
    assert isinstance(third, BlockHandle)
    m.acquire(B, key("x"))
    with pytest.raises(NoFreeBlock):
        m.allocate(A)
    m.release_request(B)
    m.release_request(C)
    at.settle()
    at.clock.now = 9.0
    m.refresh()
    m.allocate(A)
    m.end_step()
    m.begin_step()


def settings() -> PoolSettings:
    return PoolSettings(primary_count=1, secondary_count=1, slot_bytes=4, priority_count=2)


def test_the_atomicity_table_has_every_event_once_and_of_its_kind() -> None:
    tabled = {(name, kind) for name, kind, _, _ in ROWS}
    assert tabled == {(n, "step") for n in kinds(events.Step)} | {
        (n, "part") for n in kinds(events.Part)
    }
    assert len(ROWS) == len(tabled)


def test_the_table_names_actions_that_the_designs_have() -> None:
    for name, _, maps_to, _ in ROWS:
        for machine, action in re.findall(r"(\w+)\.(\w+)\(", maps_to):
            actions = {a.name: a for a in MACHINES[machine].instance().actions}
            assert action in actions, (name, maps_to)
            stated = re.search(rf"{machine}\.{action}\((.*?)\)", maps_to)
            assert stated is not None
            count = len([p for p in stated.group(1).split(",") if p.strip()])
            assert count == len(actions[action].parameters), maps_to


def test_steps_carry_the_name_of_their_action() -> None:
    for name, kind, maps_to, _ in ROWS:
        if kind == "step" and name != "Refuse":
            assert maps_to.split(".")[1].startswith(getattr(events, name).action + "(")


@dataclass
class UnderLock:
    "Notes which events came while the lock was not held."

    at: Bench | None = None
    detail: Detail = Detail.PARTS

    def __post_init__(self) -> None:
        self.kinds: set[str] = set()
        self.loose: list[Event] = []

    def report(self, event: Event, shown: Shown) -> None:
        self.kinds.add(type(event).__name__)
        if self.at is not None and not self.at.device.locks[0].is_held:
            self.loose.append(event)


def test_every_event_is_reported_under_the_pool_lock() -> None:
    watcher = UnderLock()
    at = Bench(settings(), reporter=watcher)
    watcher.at = at
    everything(at)
    assert watcher.loose == []
    assert watcher.kinds == {name for name, *_ in ROWS}
    assert not at.device.locks[0].is_held


def test_a_reporter_of_steps_hears_the_same_steps_and_no_parts() -> None:
    fine, coarse = Teller(Detail.PARTS), Teller(Detail.STEPS)
    for teller in (fine, coarse):
        everything(Bench(settings(), reporter=teller))
    parts = kinds(events.Part)
    assert coarse.events == [e for e in fine.events if type(e).__name__ not in parts]
    assert parts & set(fine.names())


def test_parts_come_in_the_order_of_the_lines_before_their_step() -> None:
    at = bench(1, 1)
    at.cached("x")
    at.teller.clear()
    at.manager.allocate(B)
    assert at.teller.names() == ["Claim", "Claim", "SendCopy", "Swap", "OffloadAllocate"]
    assert at.teller.events[:2] == [
        events.Claim(0, events.Level.PRIMARY, 0),
        events.Claim(1, events.Level.SECONDARY, 0),
    ]


def test_what_is_shown_with_a_part_is_the_state_after_that_line() -> None:
    at = bench(1, 1)
    at.cached("x")
    at.teller.clear()
    at.manager.allocate(B)
    assert [seen.free_count for seen in at.teller.shown] == [(0, 1), *[(0, 0)] * 4]
    assert [seen.slot for seen in at.teller.shown] == [(0, 1)] * 3 + [(1, 0)] * 2


def test_a_refusal_names_the_conjunct_that_is_false() -> None:
    at = bench(1, 1)
    at.manager.allocate(A)
    at.teller.clear()
    with pytest.raises(NoFreeBlock):
        at.manager.allocate(B)
    assert at.teller.events == [
        events.Refuse("allocate", "a primary block is free", request=B),
    ]


def test_two_events_of_two_kinds_are_never_equal() -> None:
    assert events.Pin(0, 0, 0) != events.Reuse(0, 0, 0)  # type: ignore[arg-type,comparison-overlap]


def test_a_field_that_is_not_shown_is_a_declared_blind_spot() -> None:
    seen = Observation(refs=(0,), free_count=(1, 0))
    assert "slot" in seen.blind_spots
    assert "refs" not in seen.blind_spots
    assert bench(1, 1).manager.observe().blind_spots == {"queued"}


def test_without_a_reporter_nothing_is_built_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def built(*_: object, **__: object) -> None:
        raise AssertionError("an event was built for nobody")

    for name in kinds(events.Event):
        monkeypatch.setattr(f"kvspec.events.{name}", built)
        if name in ("BeginStep", "EndStep"):
            monkeypatch.setattr(f"kvimpl.blocks.manager.{name}", built)
    monkeypatch.setattr("kvimpl.blocks.pool.BlockPool.observe", built)
    at = Bench(settings(), reporter=None, silent=True)
    everything(at)
    with pytest.raises(AssertionError, match="for nobody"):
        Bench(settings(), reporter=Teller())

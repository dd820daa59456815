"""Drawn cases on a device that fails: each ends in a clear error or well, and no block is lost.

The judge, the bytes and the end of the run are looked at as in any campaign, so a block that is
lost by a fault, handed out twice or filled with another's bytes is no mere error.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from kvcheck.fuzz import draw, hands
from kvcheck.fuzz.case import Acquire, Allocate, Case, Failure, Sizes
from kvcheck.fuzz.orders import schedule_of
from kvcheck.fuzz.runner import run_case
from kvcheck.fuzz.site import BETWEEN, SIM, ByKernel
from kvcheck.schedule import Recorder
from kvimpl.blocks import BlockPool
from kvimpl.blocks.errors import DeviceFault, PoolTooLarge
from kvimpl.bugs import BUGS
from kvimpl.device.port import Finding, Op, Space, Stream, View
from kvimpl.device.port.errors import LaunchFailed
from kvimpl.device.sim import SimDevice, SimOptions
from kvimpl.device.sim.options import AllocationFault, CopyFault, StuckStream

CASES = 40
PAGE = Path(__file__).parents[2] / "docs" / "manager.md"
ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| `(\w+)`: `(\w+)` \|$", re.MULTILINE)


class Refuses(SimDevice):
    "Refuses some of the manager's copies, by their number."

    refused: frozenset[int] = frozenset()
    count = 0

    def copy(self, target: View, source: View, stream: Stream, *, label: str = "copy") -> Op:
        if stream.name.startswith("kv."):
            self.count += 1
            if self.count in self.refused:
                raise LaunchFailed(f"copy {self.count} was refused. It was planned. Go on.")
        return super().copy(target, source, stream, label=label)


class Opened:
    def __init__(self, case: Case, made: Callable[..., SimDevice]) -> None:
        self._record = Recorder(schedule_of(case.order))
        self.device = made(self._record, beside=BETWEEN)
        self.block_bytes = ByKernel()
        self.closes = False
        self.leaked: tuple[Finding, ...] = ()

    @property
    def line(self) -> str:
        return self._record.text

    def end(self) -> None:
        self.leaked = self.device.close() if self.closes else ()
        self.device.abandon()


class Failing:
    "A site whose devices are made so; `closes` asks each at its end what was not given back."

    name, blind = SIM.name, SIM.blind

    def __init__(self, made: Callable[..., SimDevice], *, closes: bool = False) -> None:
        self._made, self._closes = made, closes
        self.opened: list[Opened] = []

    def open(self, case: Case) -> Opened:
        opened = Opened(case, self._made)
        opened.closes = self._closes
        self.opened.append(opened)
        return opened


def failures(made: Callable[..., SimDevice], manager: str = "blocks") -> list[Failure | None]:
    "What each drawn case came to."
    rng, site = random.Random(3), Failing(made)
    cases = [draw.fresh(rng, sizes=draw.SIZES, manager=manager) for _ in range(CASES)]
    return [run_case(case, site=site).failure for case in cases]


def planned(**faults: Any) -> Callable[..., SimDevice]:
    options = SimOptions(**faults)
    return lambda schedule, **more: SimDevice(schedule, options, **more)


def refusing(*numbers: int) -> Callable[..., SimDevice]:
    class Own(Refuses):
        refused = frozenset(numbers)

    return Own


@pytest.fixture
def _callers_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    "Callers expect that a copy is refused, and go on."
    wider: Mapping[type, Any] = {
        **hands.EXPECTED,
        Allocate: (*hands.EXPECTED[Allocate], DeviceFault),
        Acquire: (*hands.EXPECTED[Acquire], DeviceFault),
    }
    monkeypatch.setattr(hands, "EXPECTED", wider)


@pytest.mark.usefixtures("_callers_go_on")
@pytest.mark.parametrize("numbers", [(1,), (2,), (1, 2, 3)])
def test_after_a_refused_copy_each_run_goes_on_and_loses_nothing(
    numbers: tuple[int, ...],
) -> None:
    assert failures(refusing(*numbers)) == [None] * CASES


def test_a_refused_copy_is_met_and_said() -> None:
    met = [f for f in failures(refusing(1)) if f is not None]
    assert {f.detail for f in met} <= {"DeviceFault in Allocate", "DeviceFault in Acquire"}
    assert len(met) > CASES // 4


class ForgetsTheClaims(BlockPool):
    "Planted: a refused copy leaves both blocks claimed."

    def send_or_restore(self, stream: Any, source: Any, target: Any, tickets: Any) -> Any:
        return self.send(stream, source, target).copy


@pytest.mark.usefixtures("_callers_go_on")
def test_a_manager_that_loses_blocks_by_it_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BlockPool, "send_or_restore", ForgetsTheClaims.send_or_restore)
    kinds = {f.kind for f in failures(refusing(1)) if f is not None}
    assert kinds & {"refused", "leak"}


@pytest.mark.parametrize("moves", [0, 8])
def test_a_copy_that_fails_half_way_ends_the_manager_and_nothing_else_is_wrong(moves: int) -> None:
    found = failures(planned(faults=(CopyFault(1, moves),)))
    met = [f for f in found if f is not None]
    assert len(met) > CASES // 4
    assert {f.kind for f in met} == {"error"}
    assert all(f.detail.startswith(("Broken in", "DeviceFailed in")) for f in met), met


@pytest.mark.parametrize("stream", ["kv.offload", "kv.onboard", "compute"])
def test_a_stream_that_never_moves_is_said_to_be_stuck(stream: str) -> None:
    found = failures(planned(faults=(StuckStream(stream, 0),)))
    met = [f for f in found if f is not None]
    assert met
    assert {f.kind for f in met} == {"stuck"}
    assert all(stream in f.words for f in met)


@pytest.mark.parametrize("number", [1, 2])
def test_a_pool_that_finds_no_memory_is_refused_and_keeps_none(number: int) -> None:
    site = Failing(planned(faults=(AllocationFault(number),)), closes=True)
    with pytest.raises(PoolTooLarge) as refusal:
        run_case(Case(Sizes(1, 1), ((),), "eager"), site=site)
    assert str(refusal.value).count(". ") >= 2
    (opened,) = site.opened
    assert opened.leaked == ()


def test_a_pool_larger_than_memory_is_refused_too() -> None:
    site = Failing(planned(capacity={Space.DEVICE: 32}))
    with pytest.raises(PoolTooLarge):
        run_case(Case(Sizes(1, 1), ((),), "eager"), site=site)


def test_known_bugs_are_still_refused_on_a_device_that_refuses() -> None:
    assert "s1-5-kept" in BUGS
    kinds = {f.kind for f in failures(refusing(1), "s1-5-kept") if f is not None}
    assert "refused" in kinds


def test_the_page_names_a_test_for_each_kind_of_bad_input() -> None:
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    assert len(rows) == 16
    for what, _, file, name in rows:
        text = (Path(__file__).parent / f"{file}.py").read_text(encoding="utf-8")
        assert f"\ndef {name}(" in text, what

"""A reader on a second thread pins, reads and unpins while the scheduler allocates and offloads.

The simulated device chooses who takes the lock, and when copies move; each step is judged by the
design, and a reader must find the bytes of the key that it pinned, wherever they are by then.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from block_bench import Hands, key
from tiers_judge import COPIES, PINS, REFS, Judge

from kvcheck.schedule import Budget, Eager, HostFirst, Pct, Random, Reach, explore
from kvimpl.blocks import BlockError, BlockManager, PoolSettings
from kvimpl.blocks.errors import QueueFault
from kvimpl.bugs import BUGS, Bug, Needs
from kvimpl.device.port import Device, Space, View
from kvimpl.device.port.steps import Schedule
from kvimpl.device.sim import run
from kvspec.events import Level, RequestId, SlotId

A, B = RequestId(0), RequestId(1)
SLOT_BYTES = 8


@dataclass
class Meeting:
    "One cached block; the scheduler wants its slot, the reader its bytes."

    bug: Bug | None = None
    rounds: int = 2

    def __call__(self, device: Device) -> tuple[SlotId, ...]:
        "The slots that the reader read, in order."
        compute, network = device.stream("compute"), device.stream("network")
        settings = PoolSettings(
            primary_count=1,
            secondary_count=1,
            slot_bytes=SLOT_BYTES,
            references_max=REFS,
            pins_max=PINS,
            copies_max=COPIES,
        )
        build = self.bug.build if self.bug else BlockManager
        manager = build(device, settings, compute=compute, clock=Hands(), reporter=Judge(1, 1))
        wire = device.alloc(SLOT_BYTES, Space.PINNED, label="wire")
        manager.begin_step()
        block = manager.allocate(A)
        manager.end_step()
        device.fill(manager.view(block), ord("x"), compute)
        manager.commit(block, A, key("x"))
        manager.release(block, A)
        reads: list[bytes] = []
        slots: list[SlotId] = []

        def reader() -> None:
            for _ in range(self.rounds):
                receipt = manager.pin_key(key("x"))
                assert receipt is not None
                slots.append(receipt.slot)
                for mark in receipt.after:
                    device.wait(network, mark)
                send(receipt.view)
                manager.unpin(receipt)

        def send(view: View) -> None:
            device.copy(wire.view(), view, network)
            device.synchronize(network)
            reads.append(device.host_read(wire.view()))

        task = device.spawn("reader", reader)
        for _ in range(self.rounds):
            manager.begin_step()
            try:
                fresh = manager.allocate(B)
            except QueueFault:
                raise
            except BlockError:
                manager.end_step()
                continue
            manager.end_step()
            device.fill(manager.view(fresh), ord("y"), compute)
            manager.release(fresh, B)
        task.join()
        device.quiesce()
        manager.poll()
        assert manager.free_count(Level.PRIMARY) == manager.free_count(Level.SECONDARY) == 1
        assert all(read == b"x" * SLOT_BYTES for read in reads), reads
        device.free(wire)
        manager.close()
        return tuple(slots)


def schedules() -> list[Schedule]:
    return [HostFirst(), Eager(), *[Random(n) for n in range(25)], *[Pct(n) for n in range(10)]]


def test_a_reader_finds_its_bytes_whoever_comes_first() -> None:
    places = set()
    for schedule in schedules():
        ran = run(Meeting(), schedule)
        assert ran.error is None, ran.error
        assert ran.findings == ()
        places.add(ran.outcome)
    assert len(places) > 2, "the orders differ in where the reader finds its bytes"


THREADED = [bug.id for bug in BUGS.values() if Needs.THREADS in bug.needs]
CROSSWISE = "kv-104"


@pytest.mark.parametrize("name", [*THREADED, "s1-5", "s1-5-kept"])
def test_a_bug_between_the_two_threads_shows_under_some_order(name: str) -> None:
    runs = [run(Meeting(BUGS[name]), schedule) for schedule in schedules()]
    assert any(ran.error is not None or ran.findings for ran in runs)


@pytest.mark.parametrize("name", [name for name in THREADED if name != CROSSWISE])
def test_a_bug_between_two_threads_is_silent_under_some_order(name: str) -> None:
    runs = [run(Meeting(BUGS[name]), schedule) for schedule in schedules()]
    assert any(ran.error is None and not ran.findings for ran in runs)


def test_locks_taken_crosswise_are_told_under_every_order() -> None:
    runs = [run(Meeting(BUGS[CROSSWISE]), schedule) for schedule in schedules()]
    assert all("lock order" in str(ran.findings) or ran.error is not None for ran in runs)
    assert any(ran.error is None for ran in runs), "some runs do not get stuck, and are told too"


def test_every_order_of_one_round_is_right() -> None:
    def program(schedule: Schedule) -> str:
        ran = run(Meeting(rounds=1), schedule)
        return repr(ran.error) if ran.error else f"read at {ran.outcome}, {ran.findings}"

    explored = explore(program, budget=Budget(runs=2000))
    assert explored.reach is Reach.EXHAUSTED, str(explored)
    assert set(explored.outcomes) == {"read at (0,), ()", "read at (1,), ()"}

"""The block manager with real bytes on the simulated device, under several orders of its work.

Each step is judged by the tiered pool's design, each hit's bytes are compared with what its key was
filled with, and the device must find no unordered access. The bugs that only bytes show are found.
"""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from block_bench import Hands, key
from tiers_judge import COPIES, PINS, REFS, REQUESTS, Judge

from kvcheck.schedule import Eager, HostFirst, Pct, Random
from kvimpl.blocks import BlockError, BlockHandle, BlockManager, PoolSettings, Stored
from kvimpl.bugs import BUGS, Bug
from kvimpl.device.port import Device, Space
from kvimpl.device.port.steps import Schedule
from kvimpl.device.sim import AllocationFault, SimOptions, run
from kvspec.events import RequestId

SLOT_BYTES = 8


@dataclass
class Campaign:
    "Random rounds: copies in a step, then kernels that fill fresh blocks and read hits."

    seed: int
    rounds: int = 25
    primary: int = 2
    secondary: int = 2
    bug: Bug | None = None

    def __call__(self, device: Device) -> int:
        "How many hits were read and compared."
        rng = random.Random(self.seed)
        compute = device.stream("compute")
        settings = PoolSettings(
            primary_count=self.primary,
            secondary_count=self.secondary,
            slot_bytes=SLOT_BYTES,
            references_max=REFS,
            pins_max=PINS,
            copies_max=COPIES,
        )
        reporter = Judge(self.primary, self.secondary)
        build = self.bug.build if self.bug else BlockManager
        manager = build(device, settings, compute=compute, clock=Hands(), reporter=reporter)
        staging = device.alloc(SLOT_BYTES, Space.PINNED, label="staging")
        names = "abcd"
        read = 0
        for _ in range(self.rounds):
            manager.begin_step()
            fresh: list[tuple[BlockHandle, RequestId, str]] = []
            hits: list[tuple[BlockHandle, RequestId, str]] = []
            for number in range(rng.randrange(1, REQUESTS + 1)):
                request, name = RequestId(number), rng.choice(names)
                try:
                    got = manager.acquire(request, key(name))
                    if isinstance(got, BlockHandle):
                        hits.append((got, request, name))
                    else:
                        fresh.append((manager.allocate(request), request, name))
                except BlockError:
                    continue
            manager.end_step()
            for handle, _, name in fresh:
                device.fill(manager.view(handle), ord(name), compute)
            for handle, _, name in hits:
                device.copy(staging.view(), manager.view(handle), compute)
                device.synchronize(compute)
                assert device.host_read(staging.view()) == name.encode() * SLOT_BYTES, name
                read += 1
            for handle, request, name in fresh:
                try:
                    assert manager.commit(handle, request, key(name)) in Stored
                except BlockError:
                    continue
            for number in range(REQUESTS):
                manager.release_request(RequestId(number))
        device.quiesce()
        manager.poll()
        assert sum(manager.observe().free_count or ()) == self.primary + self.secondary
        device.free(staging)
        manager.close()
        return read


def schedules() -> list[Schedule]:
    return [HostFirst(), Eager(), *[Random(seed) for seed in range(4)], Pct(7)]


@pytest.mark.parametrize("number", range(len(schedules())))
def test_every_step_is_the_design_s_and_every_hit_has_its_bytes(number: int) -> None:
    read = 0
    for seed in range(2):
        ran = run(Campaign(seed, primary=2 + seed, secondary=2), schedules()[number])
        assert ran.error is None, ran.error
        assert ran.findings == ()
        read += ran.outcome or 0
    assert read > 5


@pytest.mark.parametrize("name", [bug.id for bug in BUGS.values() if bug.row == "KV-INV-28"])
def test_copies_that_are_not_ordered_with_compute_are_found_in_one_run(name: str) -> None:
    ran = run(Campaign(0, bug=BUGS[name]), Eager())
    assert ran.findings, "bytes are right under this order, and the order is still a race"
    assert "race" in str(ran.findings[0])


def test_a_device_without_memory_leaves_none_taken() -> None:
    options = SimOptions(faults=(AllocationFault(2),))
    ran = run(Campaign(0), HostFirst(), options)
    assert type(ran.error).__name__ == "PoolTooLarge"

"""The desk on the simulated device, beside a scheduler that wants the block: no order is wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from service_bench import CONTENT, Bench

from kvcheck.schedule import Eager, HostFirst, Pct, Random
from kvimpl.blocks import PinReceipt
from kvimpl.blocks.errors import NoFreeBlock
from kvimpl.device.port import Device, Space
from kvimpl.device.port.steps import Schedule
from kvimpl.device.sim import run
from kvimpl.service import Desk
from kvimpl.service.messages import ANSWERS, Content, Pin, Pinned, Read, packed
from kvspec.events import RequestId

SCHEDULER = RequestId(9)


def meeting(desk_class: type[Desk]) -> Callable[[Device], int]:
    "A client pins, reads, and is late; the scheduler allocates and writes. How often it was read."

    def program(device: Device) -> int:
        bench = Bench(device=device, desk_class=desk_class)
        read_count = 0

        def client() -> None:
            nonlocal read_count
            for number in range(0, 6, 2):
                lease = ANSWERS.decode(bench.desk.answer(packed(Pin("a", number, b"k0"))))
                if not isinstance(lease, Pinned):
                    return
                bench.clock.now += 9.0  # the lease before is over now, while this one is read
                read = packed(Read("a", number + 1, lease.lease))
                answer = ANSWERS.decode(bench.desk.answer(read))
                assert answer == Content(CONTENT[b"k0"])
                read_count += 1

        task = device.spawn("client", client)
        for _ in range(3):
            bench.manager.begin_step()
            try:
                block = bench.manager.allocate(SCHEDULER)
            except NoFreeBlock:
                bench.manager.end_step()
                continue
            bench.manager.end_step()
            device.fill(bench.manager.view(block), ord("y"), bench.compute)
            bench.manager.release(block, SCHEDULER)
        task.join()
        device.quiesce()
        assert bench.desk.close() <= 2
        assert bench.free() == 3
        bench.manager.close()
        return read_count

    return program


def schedules() -> list[Schedule]:
    return [HostFirst(), Eager(), *map(Random, range(15)), *map(Pct, range(10))]


def test_no_order_of_a_scheduler_beside_the_desk_is_wrong() -> None:
    read = 0
    for schedule in schedules():
        ran = run(meeting(Desk), schedule)
        assert ran.error is None, ran.error
        assert ran.findings == ()
        read += ran.outcome or 0
    assert read > len(schedules()), "the block was there to be read most of the time"


class HastyDesk(Desk):
    "Answers before the copy is complete."

    def _read(self, receipt: PinReceipt) -> bytes:
        wire = self._device.alloc(receipt.view.nbytes, Space.PINNED, label="wire")
        self._device.copy(wire.view(), receipt.view, self._stream)
        return self._device.host_read(wire.view())


class LateLooker(Desk):
    "Lets go of what is over in the middle of its copy."

    def _read(self, receipt: PinReceipt) -> bytes:
        for number in list(self._leases):
            self._let_go(number)
        return super()._read(receipt)


@pytest.mark.parametrize("wrong", [HastyDesk, LateLooker])
def test_a_desk_that_is_too_quick_is_seen_under_some_order(wrong: type[Desk]) -> None:
    runs = [run(meeting(wrong), schedule) for schedule in schedules()]
    assert any(ran.error is not None or ran.findings for ran in runs)

"""The order read off a journal and the device's vector clocks agree on random programs.

Two formalisations by different means: one adds edges between calls after the run, the other joins
clocks while work executes. A program has a pair of accesses that the first leaves unordered if and
only if the second has found something.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import combinations

from kvcheck.race import Journal, Node, Order, noted_run
from kvcheck.race.journal import Call, Does, Use
from kvcheck.schedule import Random
from kvimpl.device.port import Device, Space, View

PROGRAM_COUNT = 400


class Drawn:
    """A random program of ten calls over two buffers and four streams, two of them fenced."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __call__(self, dev: Device) -> None:
        draw = random.Random(self._seed)
        streams = [
            dev.stream("a"),
            dev.stream("b"),
            dev.stream("c", blocking=True),
            dev.legacy,
        ]
        events = [dev.event("e"), dev.event("f")]
        pinned = dev.alloc(8, Space.PINNED, label="pinned")
        paged = dev.alloc(8, Space.PAGEABLE, label="paged")
        device = dev.alloc(8, Space.DEVICE, label="device")
        marks = [dev.record(events[0], streams[0])]
        for _ in range(10):
            stream, event = draw.choice(streams), draw.choice(events)
            span = draw.choice([(0, 4), (4, 8), (0, 8)])
            match draw.randrange(9):
                case 0:
                    dev.copy(device.view(*span), pinned.view(*span), stream)
                case 1:
                    dev.copy(pinned.view(*span), device.view(*span), stream)
                case 2:
                    dev.copy(*_either_way(draw, paged.view(*span), device.view(*span)), stream)
                case 3:
                    dev.fill(device.view(*span), 1, stream)
                case 4:
                    dev.host_write(pinned.view(*span), bytes(span[1] - span[0]))
                case 5 | 6:
                    marks.append(dev.record(event, stream))
                case 7:
                    dev.wait(stream, draw.choice([event, draw.choice(marks)]))
                case _:
                    on = draw.choice([event, stream, draw.choice(marks)])
                    if draw.random() < 0.5:
                        dev.query(on)
                    else:
                        dev.synchronize(on)


def _either_way(draw: random.Random, one: View, other: View) -> tuple[View, View]:
    return (one, other) if draw.random() < 0.5 else (other, one)


def _uses(calls: tuple[Call, ...]) -> Iterator[tuple[Node, Use]]:
    for call in calls:
        for use in call.uses:
            reads_now = use.buffer.startswith("paged") and not use.mode.writes
            yield Node(call.id, call.does is Does.WORK and not reads_now), use


def has_unordered(journal: Journal, order: Order) -> bool:
    """Whether two conflicting accesses are in no order."""
    for (one, use), (two, other) in combinations(_uses(journal.calls), 2):
        meet = use.buffer == other.buffer and use.start < other.stop and other.start < use.stop
        writes = use.mode.writes or other.mode.writes
        if meet and writes and not order.before(one, two) and not order.before(two, one):
            return True
    return False


def verdicts(*, forgets_fences: bool = False) -> list[tuple[bool, bool]]:
    found = []
    for seed in range(PROGRAM_COUNT):
        ran = noted_run(Drawn(seed), Random(seed))
        assert ran.error is None
        blocking = frozenset[str]() if forgets_fences else ran.journal.blocking
        order = Order(ran.journal.calls, blocking)
        found.append((has_unordered(ran.journal, order), bool(ran.findings)))
    return found


def test_journal_and_clocks_agree_on_which_programs_race() -> None:
    found = verdicts()

    assert [seed for seed, (read, seen) in enumerate(found) if read != seen] == []
    racy = sum(seen for _, seen in found)
    assert PROGRAM_COUNT // 10 < racy < PROGRAM_COUNT - PROGRAM_COUNT // 10


def test_an_order_without_the_legacy_fences_disagrees() -> None:
    assert any(read != seen for read, seen in verdicts(forgets_fences=True))

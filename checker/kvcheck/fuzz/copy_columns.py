"""Copy streams without a manager: does what they order and what they leave behind show a bug?

It decides what is sent and what each column looks at. The idea: the manager hands no slot out while
a copy uses it, so that no run of the manager needs the order that copy streams keep among copies;
here copies are sent between any slots, and each may need what an earlier one does.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from kvcheck.fuzz.site import ByKernel
from kvcheck.schedule import Random
from kvimpl.blocks.copies import CopyStreams
from kvimpl.blocks.slots import SlotMemory
from kvimpl.bugs.copies import COPY_BUGS
from kvimpl.device.sim import SimDevice, run
from kvspec.events import Shape, SlotId, Stream

RIGHT = "copy streams"
SHAPE = Shape(
    primary_count=3,
    secondary_count=3,
    priority_count=1,
    references_max=1,
    pins_max=1,
    copies_max=6,
)
RUNS = 60
COPIES = 6

Send = tuple[Stream, SlotId, SlotId]


class Look(Enum):
    """What is looked at: whether accesses that conflict are ordered, or the bytes at the end."""

    ORDER = "order"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class CopyCell:
    """In which run it was found, as what; `by` is empty if it was missed."""

    runs: int
    by: str


def copy_rows() -> dict[str, str]:
    """The row of each bug of the copy streams, by id, in the order of their registry."""
    return {bug.id: bug.row for bug in COPY_BUGS.values()}


def streams_of(name: str) -> type[CopyStreams]:
    """The copy streams of that name, right or wrong. Raises: KeyError."""
    return CopyStreams if name == RIGHT else COPY_BUGS[name].streams


def measure_copies(name: str, look: Look, *, runs: int = RUNS) -> CopyCell:
    """Send drawn copies, in an order of the device that is drawn too, until the look sees one."""
    streams = streams_of(name)
    for seed in range(runs):
        sends = drawn_sends(seed)
        finding, held = sent(streams, sends, seed)
        wrong = f"the slots hold {held.hex()}" if held != in_order_sent(sends) else ""
        by = finding if look is Look.ORDER else wrong
        if by:
            return CopyCell(seed + 1, by)
    return CopyCell(runs, "")


def drawn_sends(seed: int) -> tuple[Send, ...]:
    """Copies by chance, each in the direction of its stream."""
    chance = random.Random(seed)
    device = [SlotId(n) for n in range(SHAPE.primary_count)]
    host = [SlotId(n) for n in range(SHAPE.primary_count, SHAPE.block_count)]
    sends: list[Send] = []
    for _ in range(COPIES):
        if chance.random() < 0.5:
            sends.append((Stream.OFFLOAD, chance.choice(device), chance.choice(host)))
        else:
            sends.append((Stream.ONBOARD, chance.choice(host), chance.choice(device)))
    return tuple(sends)


def in_order_sent(sends: Sequence[Send]) -> bytes:
    """What the slots hold if each copy is complete before the next begins."""
    held = bytearray(range(1, SHAPE.block_count + 1))
    for _, source, target in sends:
        held[target] = held[source]
    return bytes(held)


def sent(streams: type[CopyStreams], sends: Sequence[Send], seed: int) -> tuple[str, bytes]:
    """The first pair of accesses that nothing orders, or nothing, and what the slots hold."""
    held = bytearray(SHAPE.block_count)

    def program(sim: SimDevice) -> None:
        compute, reads = sim.stream("compute"), ByKernel()
        memory = SlotMemory(sim, SHAPE, slot_bytes=1)
        copies = streams(sim, memory, compute=compute)
        for slot in range(SHAPE.block_count):
            sim.fill(memory.view(SlotId(slot)), slot + 1, compute)
        copies.begin_step()
        for send in sends:
            copies.send(*send)
        copies.end_step()
        for slot in range(SHAPE.block_count):

            def take(found: bytes, slot: int = slot) -> None:
                held[slot] = found[0]

            reads.read(sim, memory.view(SlotId(slot)), compute, take, label=f"slot {slot}")
        sim.synchronize(compute)

    ran = run(program, Random(seed))
    if ran.error is not None:
        raise ran.error
    return (str(ran.findings[0].kind.value) if ran.findings else ""), bytes(held)

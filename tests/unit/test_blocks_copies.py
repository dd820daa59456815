"""The order of copies: which may run before which, whatever the device prefers."""

from __future__ import annotations

from itertools import permutations

import pytest
from still_device import StillDevice

from kvimpl.blocks.copies import CopyStreams
from kvimpl.blocks.slots import SlotMemory
from kvspec.events import Shape, SlotId, Stream

UP, DOWN = Stream.ONBOARD, Stream.OFFLOAD
P0, P1, P2, S0, S1 = (SlotId(n) for n in range(5))


class Copies:
    "Copy streams over three device and two host slots, and the bytes they move."

    def __init__(self) -> None:
        shape = Shape(
            primary_count=3,
            secondary_count=2,
            priority_count=1,
            references_max=1,
            pins_max=1,
            copies_max=9,
        )
        self.device = StillDevice()
        self.memory = SlotMemory(self.device, shape, slot_bytes=1)  # type: ignore[arg-type]
        self.compute = self.device.stream("compute")
        self.streams = CopyStreams(
            self.device,  # type: ignore[arg-type]
            self.memory,
            compute=self.compute,
        )
        for slot in range(5):
            self.device.poke(self.memory.view(SlotId(slot)), b"abcde"[slot : slot + 1])
        self.streams.begin_step()

    def send(self, stream: Stream, source: SlotId, target: SlotId) -> str:
        sent = self.streams.send(stream, source, target)
        return f"copy {sent.copy}: slot {source} to {target}"

    def fill(self, slot: SlotId, byte: str) -> str:
        self.device.fill(self.memory.view(slot), ord(byte), self.compute, label=f"fill {slot}")
        return f"fill {slot}"

    def contents(self) -> str:
        slots = [self.device.peek(self.memory.view(SlotId(n))) for n in range(5)]
        return b"".join(slots).decode()


HAZARDS = {
    "a write before it is read": [(DOWN, P0, S0), (UP, S0, P1)],
    "a read before it is overwritten": [(UP, S0, P1), (DOWN, P0, S0)],
    "a write before it is overwritten": [(UP, S0, P1), (DOWN, P2, P1)],
    "two reads before it is overwritten": [(UP, P0, P1), (DOWN, P0, S0), (UP, S1, P0)],
    "a read after a write after a read": [(UP, S0, P0), (DOWN, P1, S0), (UP, S0, P2)],
    "the slots of one number at two levels": [(UP, S0, P2), (DOWN, P0, S1), (DOWN, P1, S0)],
}


@pytest.mark.parametrize("sends", HAZARDS.values(), ids=HAZARDS)
def test_copies_that_share_bytes_keep_the_order_they_were_sent_in(
    sends: list[tuple[Stream, SlotId, SlotId]],
) -> None:
    expected = list("abcde")
    for _, source, target in sends:
        expected[target] = expected[source]
    for order in permutations((1, 2)):
        copies = Copies()
        for send in sends:
            copies.send(*send)
        for stream in order * len(sends):
            copies.device.run(stream=stream)
        assert copies.contents() == "".join(expected), order


def test_independent_copies_may_overtake() -> None:
    copies = Copies()
    up, down = copies.send(UP, S0, P0), copies.send(DOWN, P1, S1)
    assert copies.device.run(stream=2) == [down]
    assert copies.device.run() == [up]


def test_compute_waits_for_the_copies_of_its_step() -> None:
    copies = Copies()
    copies.send(UP, S0, P0)
    copies.send(DOWN, P1, S1)
    copies.streams.end_step()
    copies.fill(P1, "z")
    assert copies.device.run(stream=0) == []
    copies.device.run()
    assert copies.contents() == "dzcdb"


def test_copies_wait_for_the_compute_before_their_step() -> None:
    copies = Copies()
    copies.streams.end_step()
    filled = copies.fill(P0, "z")
    copies.streams.begin_step()
    copies.send(DOWN, P0, S0)
    assert copies.device.run(stream=2) == []
    assert copies.device.run(stream=0) == [filled]
    copies.device.run()
    assert copies.contents() == "zbcze"


def test_order_survives_the_border_between_two_steps() -> None:
    copies = Copies()
    copies.send(DOWN, P0, S0)
    copies.streams.end_step()
    copies.streams.begin_step()
    copies.send(UP, S0, P1)
    assert copies.device.run(stream=1) == []
    copies.device.run()
    assert copies.contents() == "aacae"


def test_completion_is_seen_in_the_order_of_the_stream() -> None:
    copies = Copies()
    copies.send(DOWN, P0, S0)
    copies.send(DOWN, P1, S1)
    assert copies.streams.pop_complete(DOWN) is None
    copies.device.run(limit=1)
    assert copies.streams.is_in_flight(S0)
    first = copies.streams.pop_complete(DOWN)
    assert first is not None
    assert (first.source, first.target) == (P0, S0)
    assert not copies.streams.is_in_flight(S0)
    assert copies.streams.is_in_flight(S1)
    assert copies.streams.pop_complete(DOWN) is None
    assert copies.streams.pop_complete(UP) is None

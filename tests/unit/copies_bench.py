"""Copy streams over memory that can be looked at, and what copies do to each other's bytes."""

from __future__ import annotations

from itertools import permutations

from still_device import StillDevice

from kvimpl.blocks.copies import CopyStreams
from kvimpl.blocks.slots import SlotMemory
from kvspec.events import Shape, SlotId, Stream

UP, DOWN = Stream.ONBOARD, Stream.OFFLOAD
P0, P1, P2, S0, S1 = (SlotId(n) for n in range(5))
Sends = list[tuple[Stream, SlotId, SlotId]]


class Copies:
    "Copy streams over three device and two host slots, and the bytes they move."

    def __init__(self, streams: type[CopyStreams] = CopyStreams) -> None:
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
        self.streams = streams(
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


HAZARDS: dict[str, Sends] = {
    "a write before it is read": [(DOWN, P0, S0), (UP, S0, P1)],
    "a read before it is overwritten": [(UP, S0, P1), (DOWN, P0, S0)],
    "a write before it is overwritten": [(UP, S0, P1), (DOWN, P2, P1)],
    "two reads before it is overwritten": [(UP, P0, P1), (DOWN, P0, S0), (UP, S1, P0)],
    "a read after a write after a read": [(UP, S0, P0), (DOWN, P1, S0), (UP, S0, P2)],
    "the slots of one number at two levels": [(UP, S0, P2), (DOWN, P0, S1), (DOWN, P1, S0)],
}


def in_order_sent(sends: Sends) -> str:
    "What the slots hold if each copy is complete before the next one begins."
    expected = list("abcde")
    for _, source, target in sends:
        expected[target] = expected[source]
    return "".join(expected)


def in_each_order(sends: Sends, streams: type[CopyStreams] = CopyStreams) -> list[str]:
    "What the slots hold if the one stream is preferred, and if the other is."
    held = []
    for order in permutations((1, 2)):
        copies = Copies(streams)
        for send in sends:
            copies.send(*send)
        for stream in order * len(sends):
            copies.device.run(stream=stream)
        held.append(copies.contents())
    return held

"""Whose bytes a slot holds: each block's content carries who wrote it, and reads are compared.

It decides whether the tag that is found is the one expected; who expects what follows from the
steps that were judged. The idea: a tag names a block, its generation and the request it was handed
out to, so bytes that are whole and wrong say whose they are.

Whoever writes a block's content writes its tag first; bytes without a tag are nobody's. What a
kernel or a reader finds is compared by whoever asked for it, with what `wanted` said then: by the
time that it is read the block may have another owner.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

import kvspec.events as events
from kvcheck.lockstep.ghosts import Ghosts
from kvcheck.lockstep.parts import WrongPart
from kvcheck.lockstep.tiers import CACHED, SLOT
from kvspec.events import BlockId, Event, Generation, RequestId, Shape, SlotId
from kvspec.lang.state import State

LAYOUT = struct.Struct("<4sIQQ")
MAGIC = b"KVTG"
TAG_BYTES = LAYOUT.size

HOLDS = "the slot holds its owner's bytes"


@dataclass(frozen=True, slots=True)
class Tag:
    """Who wrote a content: the block, its generation then, and the request that held it."""

    block: BlockId
    generation: Generation
    owner: RequestId

    def encoded(self) -> bytes:
        """The first `TAG_BYTES` bytes of the content."""
        return LAYOUT.pack(MAGIC, self.block, self.generation, self.owner)

    def __str__(self) -> str:
        return f"request {self.owner}'s block {self.block}, generation {self.generation}"


def tag_in(data: bytes) -> Tag | None:
    """The tag at the beginning of a content; None if there is none."""
    if len(data) < TAG_BYTES:
        return None
    magic, block, generation, owner = LAYOUT.unpack(data[:TAG_BYTES])
    if magic != MAGIC:
        return None
    return Tag(BlockId(block), Generation(generation), RequestId(owner))


class Payload:
    """Compares the tags in slots: at every completed copy, and wherever `read` is called.

    `look` gives a slot's bytes as they are, which is no access of the program; None: nobody can,
    so that copies are seen only by what is read of them.
    """

    def __init__(self, look: Callable[[SlotId, Shape], bytes] | None) -> None:
        self._look = look
        self.read_count = 0

    @property
    def blind_spots(self) -> frozenset[str]:
        """`reads`, as long as nothing was read, and `copies` if nobody can look at them."""
        spots = set() if self.read_count else {"reads"}
        return frozenset(spots if self._look is not None else spots | {"copies"})

    def see(self, event: Event, state: State, ghosts: Ghosts, shape: Shape) -> WrongPart | None:
        """After a copy, the block that has the target slot finds its content there."""
        if not isinstance(event, events.Complete) or self._look is None:
            return None
        block = BlockId(state[SLOT].index(event.target))
        if not state[CACHED][block]:
            return None
        return self.read(event.target, self._look(event.target, shape), block, ghosts)

    def read(self, slot: SlotId, data: bytes, block: BlockId, ghosts: Ghosts) -> WrongPart | None:
        """What is wrong with bytes that were read from a slot as a block's content."""
        wanted = self.wanted(block, ghosts)
        held = self.differs(data, wanted)
        if not held:
            return None
        return WrongPart(HOLDS, ((f"slot {slot} held", held), ("expected", str(wanted))))

    def wanted(self, block: BlockId, ghosts: Ghosts) -> Tag:
        """The tag that whoever reads the block's content from now on has to find."""
        owner = ghosts.owners[block]
        assert owner is not None, "a block with content was handed out"
        return Tag(block, ghosts.generations[block], owner)

    def differs(self, data: bytes, wanted: Tag) -> str:
        """Whose bytes were read instead of the wanted ones; "" if they are those."""
        self.read_count += 1
        found = tag_in(data)
        if found == wanted:
            return ""
        return "bytes without a tag" if found is None else str(found)

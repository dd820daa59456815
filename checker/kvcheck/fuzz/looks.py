"""What the judge of a run looks at besides the books: its device's order, and its bytes.

It decides which witnesses a run has and what a block is filled with; what they refuse is
`kvcheck.lockstep`'s to say. The idea: a content is the tag of who wrote it and then its key's
bytes, so that whoever reads it can be told both whose bytes it found and whether they are what the
key stands for. Too small a slot has no room for a tag, and nobody looks for one there.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from kvcheck.lockstep import Payload, Tag, WatchedDevice
from kvcheck.lockstep.ghosts import Ghosts
from kvcheck.lockstep.payload import TAG_BYTES
from kvimpl.device.port import Device, Stream
from kvspec.events import BlockId


class Look(Enum):
    """A witness of the device beside the judge of the books."""

    ORDER = "order"
    PAYLOAD = "payload"


EVERYTHING = frozenset(Look)


class Looking:
    """A run's device as its manager gets it, its compute stream, and the witnesses of both."""

    def __init__(self, device: Device, looks: frozenset[Look], *, slot_bytes: int) -> None:
        self.compute: Stream = device.stream("compute")
        self.device = device
        self.order: WatchedDevice | None = None
        self.payload: Payload | None = None
        if not looks:
            return
        watched = WatchedDevice(device, compute=self.compute)
        self.device = watched.device
        if Look.ORDER in looks:
            self.order = watched
        if Look.PAYLOAD in looks and has_tag(slot_bytes):
            self.payload = Payload(watched.bytes_of if hasattr(device, "peek") else None)


class Contents:
    """What blocks are filled with, and what is wrong with what is found in them.

    `payload` and `ghosts` are the judge's, where there is one that looks at tags.
    """

    def __init__(
        self, slot_bytes: int, *, payload: Payload | None = None, ghosts: Ghosts | None = None
    ) -> None:
        self.slot_bytes = slot_bytes
        self._payload, self._ghosts = payload, ghosts

    def of(self, key: int, tag: Tag) -> bytes:
        """The bytes of a key as this writer writes them: never those of fresh or freed memory."""
        start = tag.encoded() if has_tag(self.slot_bytes) else b""
        return start + bytes([byte_of(key)]) * (self.slot_bytes - len(start))

    def reader(self, block: BlockId, key: int) -> Callable[[bytes], str]:
        """For who may read the block now: what is wrong with what it finds, "" if nothing is."""
        payload = self._payload
        wanted = None
        if payload is not None and self._ghosts is not None:
            wanted = payload.wanted(block, self._ghosts)

        def wrong(found: bytes) -> str:
            start = TAG_BYTES if has_tag(self.slot_bytes) else 0
            if found[start:] != bytes([byte_of(key)]) * (self.slot_bytes - start):
                return (
                    f"{found[start:][:8].hex()}.. ({len(found)} bytes) where the bytes of key {key}"
                    f" are {byte_of(key):02x}"
                )
            if payload is None or wanted is None:
                return ""
            held = payload.differs(found, wanted)
            return f"{held} where it had to find {wanted}" if held else ""

        return wrong


def has_tag(slot_bytes: int) -> bool:
    """Whether a slot has room for a tag and a byte of its key."""
    return slot_bytes > TAG_BYTES


def byte_of(key: int) -> int:
    """The byte that a key's blocks are filled with."""
    return 1 + key % 199

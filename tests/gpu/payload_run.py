"""The block manager with payload kernels, judged step by step: one program for any CUDA device.

Fresh blocks get a tag of their key by `write_tags`, hits are read back by `read_tags` through a
page table in mapped host memory, wherever copies have put them meanwhile. It decides nothing: it
returns the judge's verdict and every tag that was not the key's.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

from kvcheck.lockstep import Judge, OnRefusal, tiers
from kvimpl.blocks import BlockError, BlockHandle, BlockManager, PoolSettings
from kvimpl.blocks.pages import device_table
from kvimpl.device.kernels import READ_TAGS, WRITE_TAGS, Tag
from kvimpl.device.port import Device, Space, View
from kvspec.events import Key, RequestId

SLOT_BYTES = 64
PRIMARY, SECONDARY = 4, 4
REQUESTS = 3
NAMES = "abcdefgh"
TAG, INTACT, ENTRY = 16, 8, 4


def tag_of(name: str) -> bytes:
    "What a slot that caches this key must hold."
    return Tag(0, 0, sha256(name.encode()).digest()[:8]).packed()


@dataclass
class Payload:
    "The kernels' own buffers; each is rewritten only after the device has been waited for."

    device: Device

    def __post_init__(self) -> None:
        def pinned(nbytes: int, label: str) -> View:
            return self.device.alloc(nbytes, Space.PINNED, label=label).view()

        self.compute = self.device.stream("compute")
        self.pages = pinned(ENTRY * REQUESTS, "page table")
        self.tags = pinned(TAG * REQUESTS, "tags")
        self.intact = pinned(INTACT * REQUESTS, "intact")

    def counts(self, count: int) -> tuple[int, int, int]:
        return count, PRIMARY, SLOT_BYTES

    def write(self, manager: BlockManager, blocks: list[BlockHandle], names: list[str]) -> None:
        "Enqueue the tags of these keys into these blocks, and wait."
        self.show(manager, blocks, b"".join(map(tag_of, names)))
        slots = manager.view(blocks[0]).buffer.view()
        arguments = (slots, self.pages, self.tags, *self.counts(len(blocks)))
        self.device.launch(WRITE_TAGS.kernel, arguments, self.compute)
        self.device.synchronize(self.compute)

    def read(self, manager: BlockManager, blocks: list[BlockHandle]) -> list[tuple[bytes, int]]:
        "Of each block its first tag, and over how many bytes it repeats."
        self.show(manager, blocks, b"")
        slots = manager.view(blocks[0]).buffer.view()
        arguments = (self.tags, self.intact, slots, self.pages, *self.counts(len(blocks)))
        self.device.launch(READ_TAGS.kernel, arguments, self.compute)
        self.device.synchronize(self.compute)
        tags, intact = self.device.host_read(self.tags), self.device.host_read(self.intact)
        return [
            (
                tags[TAG * n : TAG * (n + 1)],
                int.from_bytes(intact[INTACT * n : INTACT * (n + 1)], "little"),
            )
            for n in range(len(blocks))
        ]

    def show(self, manager: BlockManager, blocks: list[BlockHandle], tags: bytes) -> None:
        table = device_table([manager.slot_of(block) for block in blocks], manager.shape)
        self.device.host_write(self.pages, table.ljust(self.pages.nbytes, b"\0"))
        self.device.host_write(self.tags, tags.ljust(self.tags.nbytes, b"\0"))

    def free(self) -> None:
        for view in (self.pages, self.tags, self.intact):
            self.device.free(view.buffer)


@dataclass
class Seen:
    "What a run saw."

    outcome: str = ""
    reason: str = ""
    steps: int = 0
    reads: int = 0
    wrong: list[str] = field(default_factory=list)
    error: str = ""


def payload_run(
    device: Device,
    *,
    steps: int,
    seed: int,
    build: Callable[..., BlockManager] = BlockManager,
) -> dict[str, object]:
    "Rounds of copies and kernels until so many steps are judged, or one is refused."
    settings = PoolSettings(primary_count=PRIMARY, secondary_count=SECONDARY, slot_bytes=SLOT_BYTES)
    judge = Judge(tiers(settings.shape), on_refusal=OnRefusal.KEEP)
    payload, seen, rng = Payload(device), Seen(), random.Random(seed)
    manager = build(device, settings, compute=payload.compute, clock=lambda: 0.0, reporter=judge)
    while judge.step_count < steps and judge.refusal is None and not seen.error:
        try:
            round_of(manager, payload, rng, seen)
        except BlockError as error:
            seen.error = f"{type(error).__name__}: {error}"
    verdict = judge.verdict()
    seen.outcome, seen.reason, seen.steps = verdict.outcome.value, verdict.reason, judge.step_count
    if not seen.error and judge.refusal is None:
        device.quiesce()
        manager.poll()
        manager.close()
        payload.free()
        seen.wrong += [str(finding) for finding in device.close()]
    return vars(seen)


def round_of(manager: BlockManager, payload: Payload, rng: random.Random, seen: Seen) -> None:
    "One step of a scheduler: blocks for some requests, then their kernels."
    fresh: list[tuple[BlockHandle, RequestId, str]] = []
    hits: list[tuple[BlockHandle, str]] = []
    manager.begin_step()
    for number in range(rng.randrange(1, REQUESTS + 1)):
        request, name = RequestId(number), rng.choice(NAMES)
        got = manager.acquire(request, Key(name.encode()))
        if isinstance(got, BlockHandle):
            hits.append((got, name))
        else:
            fresh.append((manager.allocate(request), request, name))
    manager.end_step()
    if fresh:
        payload.write(manager, [block for block, _, _ in fresh], [name for _, _, name in fresh])
    if hits:
        held = payload.read(manager, [block for block, _ in hits])
        for (_, name), (tag, intact) in zip(hits, held, strict=True):
            seen.reads += 1
            if tag != tag_of(name) or intact != SLOT_BYTES:
                seen.wrong.append(f"{name}: {tag.hex()}, {intact} bytes")
    for block, request, name in fresh:
        manager.commit(block, request, Key(name.encode()))
    for number in range(REQUESTS):
        manager.release_request(RequestId(number))
    manager.poll()

"""Memory behind a watched tensor: its bytes, and which of them a tensor covers.

It decides footprints: a strided tensor covers exactly its runs of adjacent bytes, so that two
columns of one matrix are not taken for one.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from kvcheck.watch.errors import NotModelled
from kvimpl.device.port import Buffer, Stream

RUNS_MAX = 4_096


class Memory:
    """The storage that a tensor and its views share; its end is the end of the last of them."""

    __slots__ = ("__weakref__", "buffer", "noted", "stream")

    def __init__(self, buffer: Buffer, stream: Stream | None) -> None:
        """`stream` is the one that device memory was allocated on; None for pinned memory."""
        self.buffer = buffer
        self.stream = stream
        self.noted: list[Stream] = []


def runs(meta: Any) -> tuple[tuple[int, int], ...]:  # a torch tensor
    """The ranges of bytes that a tensor covers, in order. Raises: NotModelled if too many."""
    size = meta.element_size()
    if meta.numel() == 0:
        return ()
    dimensions = [(n, s) for n, s in zip(meta.shape, meta.stride(), strict=True) if n > 1 and s]
    length = 1
    rest = sorted(dimensions, key=lambda d: d[1])
    while rest and rest[0][1] == length:
        length *= rest.pop(0)[0]
    count = 1
    for n, _ in rest:
        count *= n
    if count > RUNS_MAX:
        raise NotModelled(
            f"a tensor of {count} separate pieces",
            "Each piece is an access of its own.",
            "Watch a smaller case of the program.",
        )
    starts = sorted(
        meta.storage_offset() + sum(i * s for i, (_, s) in zip(at, rest, strict=True))
        for at in product(*(range(n) for n, _ in rest))
    )
    return tuple((start * size, (start + length) * size) for start in starts)

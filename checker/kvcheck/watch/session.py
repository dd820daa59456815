"""One watched run: its device, its streams, its tensors' memory, and what was dropped.

It decides what dropping a tensor means, after torch's two caching allocators. Pinned memory is
freed at once; the simulated allocator waits for the streams of its copies and for no kernel. Device
memory goes back to the stream it was allocated on, in the order of that stream; streams that were
noted by `record_stream` are waited for, and others are not.
"""

from __future__ import annotations

import linecache
import re
import sys
import weakref
from collections.abc import Callable
from types import FrameType
from typing import Any

from kvcheck.watch.memory import Memory
from kvimpl.device.port import Device, Space, Stream
from kvimpl.device.sim import POISON

ASSIGNED = re.compile(r"\s*(?:self\.)?([A-Za-z_]\w*)\s*(?::[^=]+)?=[^=]")


class Session:
    """The state of one watched run."""

    def __init__(self, device: Device, torch: Any, folders: tuple[str, ...]) -> None:
        self.device = device
        self.torch = torch
        self.current: Stream = device.legacy
        self.call_count = 0
        self.wrap: Callable[[Memory, Any], Any] = lambda memory, meta: None
        self._folders = folders
        self._names: dict[str, int] = {"legacy": 1, "host": 1}
        self._dropped: list[tuple[Any, ...]] = []
        self._reclaim: Stream | None = None

    def begin(self) -> None:
        """A call is about to reach the device: what was dropped before it goes first."""
        self.call_count += 1
        while self._dropped:
            buffer, stream, noted = self._dropped.pop(0)
            if stream is None:
                self.device.free(buffer)
                continue
            others = [other for other in noted if other != stream]
            if others:
                stream = self._behind([stream, *others])
            self.device.fill(buffer.view(), POISON, stream, label=f"free of {buffer.label}")

    def allocate(self, meta: Any, space: Space) -> Any:
        """A new tensor like this one, of a torch meta device, with memory of its own."""
        self.begin()
        nbytes = max(1, meta.untyped_storage().nbytes())
        buffer = self.device.alloc(nbytes, space, label=self.assigned() or "tensor")
        memory = Memory(buffer, self.current if space is Space.DEVICE else None)
        weakref.finalize(
            memory, self._dropped.append, (buffer, memory.stream, memory.noted)
        ).atexit = False
        return self.wrap(memory, meta)

    def unique(self, fallback: str) -> str:
        """A name for a stream or event: what it is assigned to, numbered if it is taken."""
        name = self.assigned() or fallback
        count = self._names[name] = self._names.get(name, 0) + 1
        return name if count == 1 else f"{name}.{count}"

    def assigned(self) -> str:
        """The name that the program's present line assigns to, if it is plain."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename.startswith(self._folders):
            frame = frame.f_back
        if frame is None:
            return ""
        line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
        found = ASSIGNED.match(line)
        return found.group(1) if found else ""

    def _behind(self, streams: list[Stream]) -> Stream:
        if self._reclaim is None:
            self._reclaim = self.device.stream("allocator")
        for stream in streams:
            mark = self.device.record(self.device.event("free"), stream)
            self.device.wait(self._reclaim, mark)
        return self._reclaim

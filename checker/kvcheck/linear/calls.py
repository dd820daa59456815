"""What a manager must have for its histories to be judged, whichever manager it is.

It decides names only; what each call may answer is the contract's.
"""

from __future__ import annotations

from typing import Protocol

from kvimpl.blocks import BlockHandle, Miss, PinReceipt, Stored
from kvspec.events import Key, Level, RequestId, SlotId


class ForRequests(Protocol):
    """A request's calls."""

    def allocate(self, request: RequestId) -> BlockHandle: ...

    def acquire(self, request: RequestId, key: Key) -> BlockHandle | Miss: ...

    def commit(self, handle: BlockHandle, request: RequestId, key: Key) -> Stored: ...

    def release(self, handle: BlockHandle, request: RequestId) -> None: ...


class ForReaders(Protocol):
    """A reader's calls."""

    def pin(self, handle: BlockHandle) -> PinReceipt: ...

    def pin_key(self, key: Key) -> PinReceipt | None: ...

    def unpin(self, receipt: PinReceipt) -> None: ...


class Manager(ForRequests, ForReaders, Protocol):
    """Both, and two questions."""

    def slot_of(self, handle: BlockHandle) -> SlotId: ...

    def free_count(self, level: Level) -> int: ...

"""A block manager whose every call is put on the tape, whichever thread makes it.

It decides in which words an answer is kept; it changes no answer but that a refusal becomes None.
The idea: the span begins before the manager is entered and ends after it was left, so a lock that
is taken too late, or let go too early, shows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from kvcheck.linear.calls import Manager
from kvcheck.linear.history import Call, Operation, Said, Tape
from kvimpl.blocks import BlockHandle, Miss, PinReceipt, Stored, errors
from kvspec.events import Key, RequestId, SlotId

T = TypeVar("T")
Read = Callable[[Operation, T], Operation]

SAID_BY: tuple[tuple[type[errors.BlockError], Said], ...] = (
    (errors.StaleHandle, Said.STALE),
    (errors.NotHeld, Said.NOT_HELD),
    (errors.NotPinned, Said.NOT_PINNED),
    (errors.NotCached, Said.NOT_CACHED),
    (errors.AlreadyCached, Said.HAS_KEY),
    (errors.NoFreeBlock, Said.REFUSED),
    (errors.LimitReached, Said.REFUSED),
    (errors.CopyInFlight, Said.REFUSED),
    (errors.AlreadyHeld, Said.REFUSED),
)


class Crashed(Exception):
    """A call ended in an error that no caller may see; it is on the tape."""


class Witness:
    """One thread's hands on a manager. Every method answers as the manager's, None for a refusal.

    Raises, from each of them:
        Crashed: the manager raised what is no refusal of its own.
    """

    def __init__(self, thread: str, manager: Manager, tape: Tape) -> None:
        self._thread, self._manager, self._tape = thread, manager, tape

    def allocate(self, request: RequestId) -> BlockHandle | None:
        """A new block."""
        asked = self._asked(Call.ALLOCATE, request=request)
        return self._answered(asked, lambda: self._manager.allocate(request), _handle)

    def acquire(self, request: RequestId, key: Key) -> BlockHandle | None:
        """The block that has the key; None for any miss."""
        asked = self._asked(Call.ACQUIRE, request=request, key=key)
        found = self._answered(asked, lambda: self._manager.acquire(request, key), _found)
        return found if isinstance(found, BlockHandle) else None

    def commit(self, handle: BlockHandle, request: RequestId, key: Key) -> Stored | None:
        """The key finds the block."""
        asked = self._about(Call.COMMIT, handle, request=request, key=key)
        return self._answered(asked, lambda: self._manager.commit(handle, request, key), _stored)

    def release(self, handle: BlockHandle, request: RequestId) -> None:
        """The request lets go."""
        asked = self._about(Call.RELEASE, handle, request=request)
        self._answered(asked, lambda: self._manager.release(handle, request), _nothing)

    def pin(self, handle: BlockHandle) -> PinReceipt | None:
        """The block is held where it is."""
        asked = self._about(Call.PIN, handle)
        return self._answered(asked, lambda: self._manager.pin(handle), _receipt)

    def pin_key(self, key: Key) -> PinReceipt | None:
        """The key's block is held where it is."""
        asked = self._asked(Call.PIN_KEY, key=key)
        return self._answered(asked, lambda: self._manager.pin_key(key), _perhaps)

    def unpin(self, receipt: PinReceipt) -> None:
        """The pin is undone."""
        asked = self._asked(Call.UNPIN, block=receipt.handle.block, pin=receipt.pin)
        self._answered(asked, lambda: self._manager.unpin(receipt), _nothing)

    def slot_of(self, handle: BlockHandle) -> SlotId | None:
        """Where the block is."""
        asked = self._about(Call.SLOT_OF, handle)
        return self._answered(asked, lambda: self._manager.slot_of(handle), _slot)

    def _asked(
        self,
        call: Call,
        *,
        request: int | None = None,
        key: bytes | None = None,
        block: int | None = None,
        generation: int | None = None,
        pin: int | None = None,
    ) -> Operation:
        return Operation(
            thread=self._thread,
            call=call,
            called=self._tape.tick(),
            returned=-1,
            said=Said.DONE,
            request=request,
            key=key,
            block=block,
            generation=generation,
            pin=pin,
        )

    def _about(
        self,
        call: Call,
        handle: BlockHandle,
        *,
        request: RequestId | None = None,
        key: Key | None = None,
    ) -> Operation:
        block, generation = handle.block, handle.generation
        return self._asked(call, request=request, key=key, block=block, generation=generation)

    def _answered(self, asked: Operation, ask: Callable[[], T], read: Read[T]) -> T | None:
        try:
            answer = ask()
        except Exception as error:
            returned = self._tape.tick()
            said = _said(error)
            words = f"{type(error).__name__}: {error}" if said is Said.CRASHED else ""
            self._tape.keep(replace(asked, returned=returned, said=said, error=words))
            if said is Said.CRASHED:
                raise Crashed(words) from error
            return None
        returned = self._tape.tick()
        self._tape.keep(read(replace(asked, returned=returned), answer))
        return answer


def _said(error: Exception) -> Said:
    return next((said for kind, said in SAID_BY if isinstance(error, kind)), Said.CRASHED)


def _nothing(asked: Operation, answer: None) -> Operation:
    return asked


def _slot(asked: Operation, answer: SlotId) -> Operation:
    return replace(asked, slot=answer)


def _handle(asked: Operation, answer: BlockHandle) -> Operation:
    return replace(asked, block=answer.block, generation=answer.generation)


def _found(asked: Operation, answer: BlockHandle | Miss) -> Operation:
    if isinstance(answer, BlockHandle):
        return _handle(asked, answer)
    return replace(asked, said=Said.ABSENT if answer is Miss.UNKNOWN else Said.REFUSED)


def _stored(asked: Operation, answer: Stored) -> Operation:
    return replace(asked, said=Said.DUPLICATE) if answer is Stored.DUPLICATE else asked


def _receipt(asked: Operation, answer: PinReceipt) -> Operation:
    return replace(_handle(asked, answer.handle), pin=answer.pin, slot=answer.slot)


def _perhaps(asked: Operation, answer: PinReceipt | None) -> Operation:
    return replace(asked, said=Said.ABSENT) if answer is None else _receipt(asked, answer)

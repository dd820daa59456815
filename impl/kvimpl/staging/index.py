"""Which row of the table a request has, and whether a handle to it is still good.

It decides slots only and touches no bytes. The idea: a slot is free the moment its request ends,
with no regard for work on the device that may still read its row; whoever ships rows therefore
ships copies of them. A generation tells a slot's owners apart.
"""

from __future__ import annotations

from dataclasses import dataclass

from kvimpl.staging.errors import AlreadyBound, NoFreeSlot, SizeError, StaleSlot, UnknownRequest
from kvspec.events import RequestId
from kvspec.staging_events import Bind, EndRequest, Observation, Reporter, SlotNumber


@dataclass(frozen=True, slots=True)
class Slot:
    """A row number for as long as one request has it; `generation` counts owners, from 1."""

    number: int
    generation: int
    request: RequestId


class IndexMapper:
    """Request to slot. Tables of one batch (target and draft) share one mapper.

    `reporter` is told of each binding and each release.

    Raises:
        SizeError: there is not one slot.
    """

    def __init__(self, slot_count: int, *, reporter: Reporter | None = None) -> None:
        if slot_count < 1:
            raise SizeError(
                f"An index of {slot_count} slots was asked for.",
                cause="The largest batch was computed as nothing.",
                mend="Pass a slot_count of at least 1.",
            )
        self.slot_count = slot_count
        self._reporter = reporter
        self._free = list(range(slot_count))
        self._generations = [0] * slot_count
        self._slots: dict[RequestId, Slot] = {}

    @property
    def free_count(self) -> int:
        """How many slots have no owner."""
        return len(self._free)

    def bind(self, request: RequestId) -> Slot:
        """The slot that has been free for longest is the request's from now on.

        Raises:
            AlreadyBound: the request has one.
            NoFreeSlot: all are bound.
        """
        if request in self._slots:
            raise AlreadyBound(
                f"Request {request} has slot {self._slots[request].number} already.",
                cause="It was admitted twice.",
                mend="Use slot_of, or release it first.",
            )
        if not self._free:
            raise NoFreeSlot(
                f"None of {self.slot_count} slots is free for request {request}.",
                cause="More requests were admitted than the table has rows.",
                mend="Release a request, or build the index with a larger slot_count.",
            )
        number = self._claim()
        self._generations[number] += 1
        slot = Slot(number, self._generations[number], request)
        self._slots[request] = slot
        if self._reporter is not None:
            self._reporter.report(Bind(request, SlotNumber(number)), self)
        return slot

    def release(self, request: RequestId) -> None:
        """The slot is free at once, and may be bound by the next call.

        Raises:
            UnknownRequest: the request has none.
        """
        slot = self.slot_of(request)
        del self._slots[request]
        self._give_back(slot.number)
        if self._reporter is not None:
            self._reporter.report(EndRequest(request, SlotNumber(slot.number)), self)

    def slot_of(self, request: RequestId) -> Slot:
        """The request's slot.

        Raises:
            UnknownRequest: it has none.
        """
        try:
            return self._slots[request]
        except KeyError:
            raise UnknownRequest(
                f"Request {request} has no slot.",
                cause="It was never bound, or has been released.",
                mend="Bind it first.",
            ) from None

    def check(self, slot: Slot) -> None:
        """Return if the slot is still its request's.

        Raises:
            StaleSlot: it is not.
        """
        if self._slots.get(slot.request) != slot:
            raise StaleSlot(
                f"Slot {slot.number} is no longer request {slot.request}'s in generation "
                f"{slot.generation}.",
                cause="The request was released, and the slot may have a new owner.",
                mend="Ask slot_of for the slot that the request has now.",
            )

    def observe(self) -> Observation:
        """Who has which slot, and which are free."""
        return Observation(
            bound=frozenset((r, SlotNumber(slot.number)) for r, slot in self._slots.items()),
            free=frozenset(map(SlotNumber, self._free)),
        )

    def _claim(self) -> int:
        """The slot that has been free for longest, which is free no more."""
        return self._free.pop(0)

    def _give_back(self, number: int) -> None:
        """The slot is free again."""
        self._free.append(number)

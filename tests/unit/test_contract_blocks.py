"""The mapping of our manager's events needs slots and keys, and says so before it tells any."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from kvcheck.lockstep.contract import OutOfContract
from kvcheck.lockstep.contract_blocks import ContractReporter, PlacesUnseen
from kvspec.events import (
    Allocate,
    BlockId,
    Generation,
    Key,
    Observation,
    RequestId,
    Shape,
    SlotId,
)

SHAPE = Shape(
    primary_count=1,
    secondary_count=1,
    priority_count=1,
    references_max=1,
    pins_max=1,
    copies_max=1,
)
SLOTS = (SlotId(0), SlotId(1))
KEYS: tuple[Key | None, ...] = (None, None)
TAKEN = Allocate(RequestId(7), BlockId(0), SlotId(0), Generation(1))


@dataclass(frozen=True)
class Showing:
    "Shows one observation, whatever happened."

    seen: Observation
    shape: Shape = SHAPE

    def observe(self) -> Observation:
        return self.seen


@pytest.mark.parametrize(
    ("seen", "unseen"),
    [
        (Observation(keys=KEYS), "has no slot."),
        (Observation(slot=SLOTS), "has no keys."),
        (Observation(), "has no slot and keys."),
    ],
)
def test_a_manager_that_hides_its_places_is_declined_and_nothing_was_told(
    seen: Observation, unseen: str
) -> None:
    contract = ContractReporter(SHAPE)
    before = contract.judge.state
    with pytest.raises(PlacesUnseen, match=unseen):
        contract.report(TAKEN, Showing(seen))
    assert contract.judge.state == before
    assert not contract.judge.taken

    contract.report(TAKEN, Showing(Observation(slot=SLOTS, keys=KEYS)))
    assert dict(contract.judge.taken) == {"take": 1}


def test_what_else_is_not_shown_is_a_blind_spot_and_what_is_shown_is_judged() -> None:
    contract = ContractReporter(SHAPE)
    contract.report(TAKEN, Showing(Observation(slot=SLOTS, keys=KEYS)))
    assert "blind to available" in contract.judge.verdict().bound
    idle = Observation(slot=SLOTS, keys=KEYS, holders=(frozenset(), frozenset()))
    with pytest.raises(OutOfContract):
        ContractReporter(SHAPE).report(TAKEN, Showing(idle))

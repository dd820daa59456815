"""Pins under the contract: a slot is a place, and its one user is the request that holds its block.

It decides the mapping only. The idea: the design knows no contents, so a block that moves is, to
its users, a slot that is handed out; what the contract says here is who may be given a slot.
"""

from __future__ import annotations

from kvcheck.refine.product import Call, Calls
from kvcheck.refine.slots import SOMEBODY, Holder, SlotCount, SlotPins, Traffic, beside_contract
from kvcheck.refine.words import Words
from kvspec.lang import Map, Model, Set, assume, lemma
from kvspec.models.pins import Block, Level, PinnedPool, Slot


class PinsUnderContract(PinnedPool):
    """The pinned pool, and beside it the contract's books about its slots."""

    contract_users: Map[Slot, Set[Holder]]
    contract_pinned: Map[Slot, SlotPins]
    contract_traffic: Map[Slot, Traffic]
    contract_filled: Map[Slot, bool]
    contract_content: Map[Slot, Block]
    contract_known: Map[Block, bool]
    contract_place_of: Map[Block, Slot]
    contract_available: Map[Slot, bool]
    contract_available_count: SlotCount

    @classmethod
    def instance(cls, *, P: int = 2, S: int = 1, REFS: int = 2, PINS: int = 2) -> Model:
        """The sizes of the pinned pool."""
        design = cls.trace(
            sizes={"Block": P + S, "Slot": P + S, "REFS": REFS, "PINS": PINS},
            constants={
                "home": range(P + S),
                "tier": [Level.PRIMARY] * P + [Level.SECONDARY] * S,
            },
        )
        return beside_contract(design, calls_of(design))

    @assume
    def homes_distinct(self) -> bool:
        "Every block starts in a slot of its own."
        return all(self.home[a] != self.home[b] for a in Block for b in Block if a != b)

    @lemma
    def slots_distinct(self) -> bool:
        "No two blocks have one slot."
        return all(self.slot[a] != self.slot[b] for a in Block for b in Block if a != b)

    @lemma
    def nothing_is_kept_or_copied(self) -> bool:
        "The design has neither contents nor copies, so the contract's books have none."
        return all(
            not self.contract_filled[s] and self.contract_traffic[s] == Traffic.NONE for s in Slot
        ) and all(not self.contract_known[b] for b in Block)

    @lemma
    def users_are_holders(self) -> bool:
        "A slot has a user if its block is held."
        return all(
            (h in self.contract_users[self.slot[b]]) == self.held[b] for b in Block for h in Holder
        )

    @lemma
    def pins_are_pins(self) -> bool:
        "The pins of a slot are the pins of its block."
        return all(self.contract_pinned[self.slot[b]] == self.pins[b] for b in Block)

    @lemma
    def available_is_queued(self) -> bool:
        "A slot is available if its block is in the queue of its level."
        return all(
            self.contract_available[self.slot[b]] == (b in self.free[self.level_of(b)])
            for b in Block
        )


def calls_of(design: Model) -> Calls:
    """Which contract steps each action of the pinned pool is."""
    words = Words(design)
    u, b = SOMEBODY, words.parameter("Block", "b")
    front, own = words.cell("slot", words.front(Level.PRIMARY)), words.cell("slot", b)
    taken = (Call("take", (front, u)),)
    return {
        "allocate": taken,
        "offload": taken,
        "onboard": taken,
        "release": (Call("drop", (own, u)),),
        "pin": (Call("pin", (own,)),),
        "unpin": (Call("unpin", (own,)),),
    }

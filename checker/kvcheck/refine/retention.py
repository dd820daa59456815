"""Retention under the contract: a slot is a place, and its one user is who holds its block.

It decides the mapping only. The idea: priorities and times decide which block is next, and of that
the contract has no word; an expiry is a stutter, and a block that moves is a slot handed out.
"""

from __future__ import annotations

from kvcheck.refine.product import Call, Calls
from kvcheck.refine.slots import SOMEBODY, Holder, SlotCount, SlotPins, Traffic, beside_contract
from kvcheck.refine.words import Words
from kvspec.lang import Map, Model, Set, assume, lemma
from kvspec.models.retention import Block, Level, RetentionPool, Slot


class RetentionUnderContract(RetentionPool):
    """The retention pool, and beside it the contract's books about its slots."""

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
    def instance(cls, *, P: int = 2, S: int = 1) -> Model:
        """The sizes of the retention pool."""
        design = cls.trace(
            sizes={"Block": P + S, "Slot": P + S, "PINS": 1},
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
    def nobody_pins(self) -> bool:
        "The design has no readers."
        return all(self.contract_pinned[s] == 0 for s in Slot)

    @lemma
    def available_is_queued(self) -> bool:
        "A slot is available if its block is in the queue of its level and priority."
        return all(
            self.contract_available[self.slot[b]]
            == (b in self.free[self.level_of(b)][self.priority[b]])
            for b in Block
        )

    @lemma
    def counts_agree(self) -> bool:
        "What the contract counts as available is what the levels count together."
        return self.contract_available_count == sum(self.nfree[level] for level in Level)


def calls_of(design: Model) -> Calls:
    """Which contract steps each action of the retention pool is; an expiry is none."""
    words = Words(design)
    u, own = SOMEBODY, words.cell("slot", words.parameter("Block", "b"))
    taken = (Call("take", (words.cell("slot", words.cheapest_front(Level.PRIMARY)), u)),)
    return {
        "allocate": taken,
        "offload_allocate": taken,
        "reuse": (Call("take", (own, u)),),
        "release": (Call("drop", (own, u)),),
    }

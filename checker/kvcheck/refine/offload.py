"""One offloading allocation under the contract: its last line hands the slot out, the rest stutter.

It decides the mapping only. The idea: between its lines two blocks are in no queue and nobody's;
to the users their slots are still to be had, since nobody can ask while the call is under way. So a
slot is available if its block is queued or chosen, until `hand_out` gives it to the request.
"""

from __future__ import annotations

from kvcheck.refine.product import Call, Calls
from kvcheck.refine.slots import SOMEBODY, Holder, SlotCount, SlotPins, Traffic, beside_contract
from kvcheck.refine.words import Words
from kvspec.lang import Map, Model, Set, lemma
from kvspec.models.offload import Block, Level, OffloadSteps, Slot


class OffloadUnderContract(OffloadSteps):
    """One allocation that offloads, and beside it the contract's books about the slots."""

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
        """The sizes of the offload design."""
        design = cls.trace(
            sizes={"Block": P + S, "Slot": P + S, "PINS": 1},
            constants={
                "home": range(P + S),
                "tier": [Level.PRIMARY] * P + [Level.SECONDARY] * S,
            },
        )
        return beside_contract(design, calls_of(design))

    @lemma
    def nothing_is_kept_or_copied(self) -> bool:
        "The design has no contents, and its copy ends with the call: the books have none."
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
    def available_is_to_be_had(self) -> bool:
        "A slot is available if its block is queued or chosen by the allocation under way."
        return all(
            self.contract_available[self.slot[b]] == (self.is_queued(b) or self.is_under_way(b))
            for b in Block
        )

    @lemma
    def counts_agree(self) -> bool:
        "The contract counts what the levels count, and the chosen blocks that are in no queue."
        return self.contract_available_count == sum(self.nfree[level] for level in Level) + sum(
            1 for b in Block if self.is_under_way(b) and not self.is_queued(b)
        )


def calls_of(design: Model) -> Calls:
    """Which contract steps each action of the offload design is; the first six lines are none."""
    words = Words(design)
    u, own = SOMEBODY, words.cell("slot", words.parameter("Block", "b"))
    spare = words.cell("slot", words.oldest("pair", "spare"))
    return {
        "allocate": (Call("take", (words.cell("slot", words.front(Level.PRIMARY)), u)),),
        "hand_out": (Call("take", (spare, u)),),
        "release": (Call("drop", (own, u)),),
    }

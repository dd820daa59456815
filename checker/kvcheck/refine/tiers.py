"""The tiered pool under the contract: a slot is a place, a block is the key of what it caches.

It decides the mapping only. The idea: a block's bytes move between slots, so to the users it is the
slot that is handed out, and the block is what a cached content is found by; a swap with its copy is
a move of content, and `holders` and `pins` belong to the slot that their block has.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Annotated, cast

from kvcheck.refine.product import Call, Calls, product
from kvcheck.refine.words import Words
from kvspec.contract import Contract
from kvspec.lang import Map, Model, Range, Set, lemma
from kvspec.lang.types import SortType
from kvspec.models.tiers import PINS, Block, Level, Request, Slot, Stream, TieredPool

SlotPins = Annotated[int, Range(0, PINS)]
SlotCount = Annotated[int, Range(0, Slot)]


class Traffic(Enum):
    "What a copy does with a slot."

    NONE = 0
    READ = 1
    WRITTEN = 2


class TieredUnderContract(TieredPool):
    """The tiered pool, and beside it the contract's books about its slots."""

    contract_users: Map[Slot, Set[Request]]
    contract_pinned: Map[Slot, SlotPins]
    contract_traffic: Map[Slot, Traffic]
    contract_filled: Map[Slot, bool]
    contract_content: Map[Slot, Block]
    contract_known: Map[Block, bool]
    contract_place_of: Map[Block, Slot]
    contract_available: Map[Slot, bool]
    contract_available_count: SlotCount

    @classmethod
    def instance(
        cls,
        *,
        P: int = 2,
        S: int = 1,
        R: int = 1,
        REFS: int = 2,
        PINS: int = 1,
        K: int = 1,
        T: int = 1,
    ) -> Model:
        """The sizes of the tiered pool."""
        # the base's sizes are the same keywords; `cls.trace` inside it traces this class
        base = cast("Callable[..., Model]", super().instance)
        design = base(P=P, S=S, R=R, REFS=REFS, PINS=PINS, K=K, T=T)
        contract = Contract.instance(N=P + S, U=R, K=P + S, PINS=PINS)
        sorts = {
            "Place": SortType("Slot", P + S),
            "User": SortType("Request", R),
            "Key": SortType("Block", P + S),
        }
        return product(design, contract, calls_of(design), sorts)

    @lemma
    def users_are_holders(self) -> bool:
        "The users of a slot are the holders of its block."
        return all(
            (r in self.contract_users[self.slot[b]]) == (r in self.holders[b])
            for b in Block
            for r in Request
        )

    @lemma
    def pins_are_pins(self) -> bool:
        "The pins of a slot are the pins of its block."
        return all(self.contract_pinned[self.slot[b]] == self.pins[b] for b in Block)

    @lemma
    def filled_is_cached(self) -> bool:
        "A slot is filled if its block is cached, and its content is then that block's."
        return all(
            self.contract_filled[self.slot[b]] == self.cached[b]
            and (not self.cached[b] or self.contract_content[self.slot[b]] == b)
            for b in Block
        )

    @lemma
    def known_is_cached(self) -> bool:
        "The known keys are the cached blocks, and each leads to its block's slot."
        return all(
            self.contract_known[b] == self.cached[b]
            and (not self.cached[b] or self.contract_place_of[b] == self.slot[b])
            for b in Block
        )

    @lemma
    def available_is_queued(self) -> bool:
        "A slot is available if its block is in the queue of its level."
        return all(
            self.contract_available[self.slot[b]] == (b in self.free[self.level_of(b)])
            for b in Block
        )

    @lemma
    def reads_are_sources(self) -> bool:
        "A slot is read if it is the source of a pending copy."
        return all(
            (self.contract_traffic[s] == Traffic.READ)
            == any(c.src == s for st in Stream for c in self.pending[st])
            for s in Slot
        )

    @lemma
    def writes_are_targets(self) -> bool:
        "A slot is written if it is the target of a pending copy."
        return all(
            (self.contract_traffic[s] == Traffic.WRITTEN)
            == any(c.dst == s for st in Stream for c in self.pending[st])
            for s in Slot
        )

    @lemma
    def copies_are_apart(self) -> bool:
        "Copies in flight have no slot in common."
        return all(
            sum(1 for c in self.pending[st] if c.src == s or c.dst == s)
            + sum(
                1
                for other in Stream
                if other != st
                for c in self.pending[other]
                if c.src == s or c.dst == s
            )
            <= 1
            for st in Stream
            for s in Slot
        )

    @lemma
    def counts_agree(self) -> bool:
        "What the contract counts as available is what the levels count together."
        return self.contract_available_count == sum(self.nfree[level] for level in Level)


def calls_of(design: Model) -> Calls:
    """Which contract steps each action of the tiered pool is."""
    words = Words(design)
    r, b = words.parameter("Request", "r"), words.parameter("Block", "b")
    front, spare = words.front(Level.PRIMARY), words.front(Level.SECONDARY)
    here, there, own = words.cell("slot", front), words.cell("slot", spare), words.cell("slot", b)
    return {
        "allocate": (
            Call("evict", (here,), when=words.cell("cached", front)),
            Call("take", (here, r)),
        ),
        "offload_allocate": (
            Call("evict", (there,), when=words.cell("cached", spare)),
            Call("move", (here, there)),
            Call("take", (here, r)),
        ),
        "onboard": (
            Call("evict", (here,), when=words.cell("cached", front)),
            Call("move", (own, here)),
            Call("share", (b, here, r)),
        ),
        "reuse": (Call("share", (b, own, r)),),
        "commit": (Call("fill", (own, r, b)),),
        "release": (Call("drop", (own, r)),),
        "pin": (Call("pin", (own,)),),
        "unpin": (Call("unpin", (own,)),),
        "complete": (
            Call("settle", (words.oldest("pending", "dst", words.parameter("Stream", "st")),)),
            Call("settle", (words.oldest("pending", "src", words.parameter("Stream", "st")),)),
        ),
    }

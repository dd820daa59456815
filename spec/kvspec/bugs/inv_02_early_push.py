"""KV-INV-02: onboarding queues the evicted block at the level it is about to leave."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.tiers import COPIES, Block, Copy, Level, Request, Stream, TieredPool


class QueuedBeforeItMoves(TieredPool):
    """The room's block is put on the primary queue, and then its slot is exchanged away."""

    @action
    def onboard(self, b: Block, r: Request, st: Stream) -> None:
        "A cached block's bytes go to the oldest free primary slot, whose block stays queued."
        require("it is cached", self.cached[b])
        require("it is free in secondary", b in self.free[Level.SECONDARY])
        require("a primary block is free", len(self.free[Level.PRIMARY]) > 0)
        require("the stream takes one more copy", len(self.pending[st]) < COPIES)
        room = self.free[Level.PRIMARY].front
        self.claim(b)
        self.pending[st].push(Copy(src=self.slot[b], dst=self.slot[room]))
        self.swap(b, room)
        self.cached[room] = False
        self.hold(b, r)


BUG = Bug(
    id="inv-02-early-push",
    row="KV-INV-02",
    design="tiers",
    machine=QueuedBeforeItMoves,
    source="TensorRT-LLM onboardBlock with its claim left out",
    sentence="The block whose slot is taken stays in the primary queue and now names a host slot.",
    breaks=(
        "queued_at_its_level",
        "queued_is_unused",
        "allocate",
        "held_in_primary",
        "copies_are_wanted",
        "copies_move",
        "offload_allocate",
        "complete",
    ),
    sizes={"P": 1, "S": 1},
)

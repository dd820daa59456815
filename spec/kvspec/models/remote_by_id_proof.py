"""What makes the facts of `remote-by-id` inductive, beside the lemmas of `remote`.

It decides nothing about the design. The idea: an id grows old when its block is handed out, and
that block is nobody's but the scheduler's; what is brought up is not handed out, it stays cached.
"""

from __future__ import annotations

from kvspec.lang import lemma
from kvspec.lang.standing import at
from kvspec.models.remote_by_id import ByIdPool
from kvspec.models.remote_proof import ProvedPool


class ProvedByIdPool(ByIdPool, ProvedPool):
    """A pin by id looks at the generation, and whether the block is in the scheduler's hand."""

    @lemma
    def what_moves_is_cached(self) -> bool:
        "What the scheduler moves stays cached while it moves."
        return not self.moves() or self.cached[self.moved()]

    @lemma
    def nobody_finds_what_is_handed_out(self) -> bool:
        "After the swap down, the spare is still the scheduler's alone and caches nothing."
        return not at(self.scheduler(), "swapped") or (
            self.refs[self.counterpart()] == 1 and not self.cached[self.counterpart()]
        )

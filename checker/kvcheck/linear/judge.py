"""The verdict on a history: each block's operations by themselves, then all of them together.

It decides how a history is cut up, and what of it is not judged. The idea: blocks do not depend on
each other in the contract, so a history is linearizable when each block's is (Herlihy and Wing
1990, locality), and the search stays small. "No block has this key" is said to every block, one at
a time: each must have been without it at some moment of the call. That all were at one moment is
not asked, nor is anything of an allocation that was refused for want of room.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kvcheck.linear.block import BlockContract, OneBlock
from kvcheck.linear.history import History, Operation, Said
from kvcheck.linear.search import OutOfBudget, Stuck, linearize
from kvcheck.verdict import Evidence, Outcome, Verdict


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of one history; `block` and `stuck` name the first block that failed, if any."""

    verdict: Verdict
    operation_count: int
    unjudged_count: int
    block: int | None = None
    stuck: Stuck | None = None

    def lines(self) -> tuple[str, ...]:
        """The longest order that fits, then what fits nowhere; nothing if the reason says all."""
        if self.stuck is None:
            return ()
        placed = [f"  {n}. {o}" for n, o in enumerate(self.stuck.longest, 1)]
        stopped = [line for o, why in self.stuck.next for line in (f"  {o}", f"      but {why}")]
        return (
            f"No order of the calls explains the answers about block {self.block}.",
            f"The longest that fits has {len(placed)}:" if placed else "Not even one call fits.",
            *placed,
            "After it none of these can come next:",
            *stopped,
        )


def judge(history: History, contract: BlockContract, *, pairs_max: int = 1_000_000) -> Judged:
    """Whether the history is one that the contract allows. Raises: TooManyNames."""
    parts = by_block(history.operations)
    whole = len(history.operations)
    judged = {id(o) for part in parts.values() for o in part}
    bound = f"{whole} operations on {len(parts)} blocks, {whole - len(judged)} of them not judged"

    def made(
        outcome: Outcome, reason: str = "", at: int | None = None, stuck: Stuck | None = None
    ) -> Judged:
        evidence = Evidence.OBSERVED if outcome is Outcome.HOLDS else Evidence.NONE
        verdict = Verdict(outcome, evidence, bound, reason)
        return Judged(verdict, whole, whole - len(judged), at, stuck)

    crashed = [o for o in history.operations if o.said is Said.CRASHED]
    if crashed:
        return made(Outcome.VIOLATED, f"no caller may see this: {crashed[0]}", crashed[0].block)
    if not parts:
        return made(Outcome.NOT_RUN, "no operation named a block")
    out_of_budget = []
    for block, part in sorted(parts.items()):
        found = linearize(part, OneBlock.of(contract, part), pairs_max=pairs_max)
        if isinstance(found, Stuck):
            return made(Outcome.VIOLATED, "no order explains the answers", block, found)
        if isinstance(found, OutOfBudget):
            out_of_budget.append(block)
    if history.lost:
        return made(Outcome.VIOLATED, _lost_in_words(history.lost))
    if out_of_budget:
        return made(Outcome.INCONCLUSIVE, f"budget: blocks {out_of_budget} were not searched out")
    return made(Outcome.HOLDS)


def _lost_in_words(lost: int) -> str:
    if lost > 0:
        return f"when everybody had let go, the free queues lacked {lost} of the blocks"
    return f"when everybody had let go, the free queues had {-lost} blocks too many"


def by_block(operations: Iterable[Operation]) -> dict[int, tuple[Operation, ...]]:
    """Each block's operations in order, with every answer that no block had a key it ever had."""
    found: dict[int, list[Operation]] = {}
    keys: dict[int, set[bytes | None]] = {}
    ordered = list(operations)
    for operation in ordered:
        if operation.block is not None:
            found.setdefault(operation.block, [])
            keys.setdefault(operation.block, set()).add(operation.key)
    for operation in ordered:
        if operation.block is not None:
            found[operation.block].append(operation)
        elif operation.said is Said.ABSENT:
            for block, known in keys.items():
                if operation.key in known:
                    found[block].append(operation)
    return {block: tuple(part) for block, part in found.items()}

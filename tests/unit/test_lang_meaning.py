"""What constructs mean, on machines small enough to read the answer off."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

from kvspec.lang import (
    Machine,
    Map,
    Model,
    Range,
    Size,
    Sort,
    UniqueFifo,
    action,
    init,
    invariant,
    lemma,
    require,
)
from kvspec.lang.concrete import (
    Disabled,
    Failed,
    Outcome,
    Stepped,
    holds,
    initial_states,
    step,
)
from kvspec.lang.ir import Apply, Assert, Operator, SizeOf
from kvspec.lang.state import changes, render_state


class Block(Sort):
    """An id."""


class Level(Enum):
    """Two places."""

    PRIMARY = 0
    SECONDARY = 1


LIMIT = Size("LIMIT")


class Swapping(Machine):
    """Two blocks swap levels; a claim looks for a block at its level."""

    level: Map[Block, Level]
    free: Map[Level, UniqueFifo[Block]]
    count: Map[Block, Annotated[int, Range(0, LIMIT)]]

    @classmethod
    def instance(cls, *, LIMIT: int = 1) -> Model:
        """One block on each level."""
        return cls.trace(sizes={"Block": 2, "LIMIT": LIMIT})

    @init
    def start(self) -> None:
        "The first block is primary, the second secondary."
        first = next(b for b in Block)
        for b in Block:
            self.level[b] = Level.PRIMARY if b == first else Level.SECONDARY
        for place in Level:
            self.free[place].fill(b for b in Block if self.level[b] == place)

    def claim(self, b: Block) -> None:
        """Take a block off the queue of its level."""
        self.free[self.level[b]].remove(b)

    def swap(self, a: Block, b: Block) -> None:
        """Exchange two levels."""
        self.level[a], self.level[b] = self.level[b], self.level[a]

    @action
    def exchange(self, a: Block, b: Block) -> None:
        "Both leave their queues, then they swap."
        require("two blocks", a != b)
        self.claim(a)
        self.claim(b)
        self.swap(a, b)

    @action
    def count_up(self, b: Block) -> None:
        "One more."
        self.count[b] = 1

    @action
    def look(self, b: Block) -> None:
        "A guard may look at the front only after asking whether there is one."
        require("it is in front", self.free[Level.PRIMARY] and self.free[Level.PRIMARY].front == b)
        chosen = b
        if self.level[b] == Level.SECONDARY:
            chosen = self.free[Level.SECONDARY].front
        self.count[chosen] = 0

    @invariant(id="T-1", why="a test")
    def counts_fit(self) -> bool:
        "Counts fit."
        return all(self.count[b] <= LIMIT for b in Block)


class SwapFirst(Swapping):
    """The fault: the claims come after the swap."""

    def exchange(self, a: Block, b: Block) -> None:
        """Swap, then claim: each at the other's level."""
        require("two blocks", a != b)
        self.swap(a, b)
        self.claim(a)
        self.claim(b)


class CountsTwice(Swapping):
    """A variant that adds to what it overrides."""

    def claim(self, b: Block) -> None:
        """Claim, and count."""
        super().claim(b)
        self.count[b] += 1

    @lemma
    def counted_means_claimed(self) -> bool:
        "What was counted is not queued."
        return all(self.count[b] == 0 or b not in self.free[p] for b in Block for p in Level)


def take(model: Model, name: str, *arguments: int) -> Outcome:
    chosen = next(a for a in model.actions if a.name == name)
    return step(model, initial_states(model)[0], chosen, arguments)


def test_the_order_of_two_lines_decides() -> None:
    right = take(Swapping.instance(), "exchange", 0, 1)
    wrong = take(SwapFirst.instance(), "exchange", 0, 1)

    assert isinstance(right, Stepped)
    assert isinstance(wrong, Failed)
    assert wrong.check.message == "remove of what is not in free"


def test_a_failed_step_shows_what_it_had_done_and_where() -> None:
    model = SwapFirst.instance()

    wrong = take(model, "exchange", 0, 1)

    assert isinstance(wrong, Failed)
    done = {c.cell: c.after for c in changes(model, initial_states(model)[0], wrong.state)}
    assert done == {"level[block0]": "SECONDARY", "level[block1]": "PRIMARY"}
    text = Path(wrong.check.at.file).read_text(encoding="utf-8")
    line = text.splitlines()[wrong.check.at.line - 1]
    assert "self.free[self.level[b]].remove(b)" in line


def test_a_simultaneous_assignment_reads_before_it_writes() -> None:
    model = Swapping.instance()

    right = take(model, "exchange", 0, 1)

    assert isinstance(right, Stepped)
    cells = dict(render_state(model, right.state))
    assert (cells["level[block0]"], cells["level[block1]"]) == ("SECONDARY", "PRIMARY")


def test_an_override_keeps_the_mark_and_super_reaches_the_base() -> None:
    model = CountsTwice.instance(LIMIT=2)

    after = take(model, "exchange", 0, 1)

    assert [a.name for a in model.actions] == ["exchange", "count_up", "look"]
    assert isinstance(after, Stepped)
    assert dict(render_state(model, after.state))["count[block0]"] == "1"
    assert all(holds(model, p, after.state) for p in model.properties)


def test_a_guard_may_look_behind_its_own_condition() -> None:
    assert isinstance(take(Swapping.instance(), "look", 1), Disabled)
    assert isinstance(take(Swapping.instance(), "look", 0), Stepped)


def test_a_range_check_is_not_waived_because_it_holds_at_this_size() -> None:
    model = Swapping.instance(LIMIT=1)

    body = next(a for a in model.actions if a.name == "count_up").body

    checks = [s for s in body if isinstance(s, Assert)]
    assert [c.message for c in checks] == ["count is out of range"]
    bound = checks[0].condition
    assert isinstance(bound, Apply)
    assert bound.operator is Operator.LE
    assert bound.operands[1] == SizeOf("LIMIT", 1)
    assert isinstance(take(Swapping.instance(LIMIT=0), "count_up", 0), Failed)


def test_tracing_twice_gives_the_same_model() -> None:
    assert Swapping.instance() == Swapping.instance()

"""Measures of small drawn machines: what is proved the search finds kept, and what each rule says
of the drawn tables is what the proof says."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Annotated

from kvcheck.live import check
from kvcheck.live.ranking import rank
from kvcheck.solve.options import SolveOptions
from kvcheck.verdict import Outcome
from kvspec.lang import (
    Constant,
    Machine,
    Model,
    Range,
    Sort,
    action,
    eventually,
    init,
    require,
)

NODES, MOST = 4, 3
MOVES = ("helps", "helps_too", "roams")
Tables = dict[str, list[int]]


class Node(Sort):
    """Where the walk is."""


class Walk(Machine):
    """A walk on a drawn graph; two of its three moves are owed fairness."""

    here: Node
    may_help: Constant[Node, bool]
    help: Constant[Node, Node]
    may_help_too: Constant[Node, bool]
    help_too: Constant[Node, Node]
    may_roam: Constant[Node, bool]
    roam: Constant[Node, Node]
    begins: Constant[Node, bool]
    met: Constant[Node, bool]
    far: Constant[Node, Annotated[int, Range(0, MOST)]]

    @init
    def anywhere(self, n: Node) -> None:
        "Anywhere."
        self.here = n

    @action
    def helps(self) -> None:
        "The first move."
        require("it may", self.may_help[self.here])
        self.here = self.help[self.here]

    @action
    def helps_too(self) -> None:
        "The second move."
        require("it may", self.may_help_too[self.here])
        self.here = self.help_too[self.here]

    @action
    def roams(self) -> None:
        "The move that nobody owes."
        require("it may", self.may_roam[self.here])
        self.here = self.roam[self.here]

    @eventually(id="TOY-W", why="a drawn machine", weak=("helps", "helps_too"), measure=("way",))
    def arrives(self) -> bool:
        "The walk arrives."
        require("it has begun", self.begins[self.here])
        return self.met[self.here]

    def way(self) -> int:
        "How far it is."
        return self.far[self.here]


def drawn(draw: Random) -> Tables:
    """Tables whose moves tend to go on, so that a good part of the measures is right."""
    far = [draw.randint(0, MOST) for _ in range(NODES)]

    def move() -> list[int]:
        near = [[m for m in range(NODES) if far[m] <= far[n]] for n in range(NODES)]
        return [draw.choice(near[n] if draw.random() < 0.9 else range(NODES)) for n in range(NODES)]

    def often(chance: float) -> list[int]:
        return [int(draw.random() < chance) for _ in range(NODES)]

    met = often(0.4)
    begins = [int(not m or draw.random() < 0.5) if draw.random() < 0.9 else 0 for m in met]
    return {
        "may_help": often(0.8),
        "help": move(),
        "may_help_too": often(0.5),
        "help_too": move(),
        "may_roam": often(0.5),
        "roam": move(),
        "begins": begins,
        "met": met,
        "far": far,
    }


def is_right(t: Tables) -> bool:
    """The four rules, written down once more, for every node."""
    moves = {
        "helps": (t["may_help"], t["help"]),
        "helps_too": (t["may_help_too"], t["help_too"]),
        "roams": (t["may_roam"], t["roam"]),
    }

    def able(n: int) -> list[str]:
        found = []
        for name in ("helps", "helps_too"):
            may, to = moves[name]
            if may[n] and (t["met"][to[n]] or t["far"][to[n]] < t["far"][n]):
                found.append(name)
        return found

    for n in range(NODES):
        if not t["begins"][n] or t["met"][n]:
            continue
        if not able(n):
            return False
        for may, to in moves.values():
            after = to[n]
            if not may[n] or t["met"][after]:
                continue
            if not t["begins"][after] or t["far"][after] > t["far"][n]:
                return False
            if t["far"][after] == t["far"][n] and able(n)[0] not in able(after):
                return False
    return True


def traced(t: Tables) -> Model:
    return Walk.trace(sizes={"Node": NODES}, constants={name: iter(c) for name, c in t.items()})


def test_what_a_measure_proves_is_kept_and_what_the_rules_allow_is_proved() -> None:
    draw, seen = Random(11), Counter[tuple[Outcome, Outcome]]()
    for _ in range(70):
        tables = drawn(draw)
        model = traced(tables)
        (proof,) = rank(model, bound="", options=SolveOptions(), clock=lambda: 0.0)
        (searched,) = check(model, bound="")
        if searched.verdict.outcome is Outcome.NOT_RUN:
            assert proof.verdict.outcome is Outcome.NOT_RUN
            continue
        proved = proof.verdict.outcome is Outcome.HOLDS
        assert proved == is_right(tables), tables
        assert not proved or searched.verdict.outcome is Outcome.HOLDS, tables
        seen[proof.verdict.outcome, searched.verdict.outcome] += 1
    assert seen[Outcome.HOLDS, Outcome.HOLDS] >= 8
    assert seen[Outcome.INCONCLUSIVE, Outcome.HOLDS] >= 5
    assert seen[Outcome.INCONCLUSIVE, Outcome.VIOLATED] >= 15

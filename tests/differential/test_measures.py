"""Measures of small drawn machines: what is proved the search finds kept, and what each rule says
of the drawn tables is what the proof says."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random
from typing import Annotated

from kvcheck.live import check
from kvcheck.live.measure import Breach, Rule, confirm, relied_on
from kvcheck.live.ranking import rank
from kvcheck.solve.options import SolveOptions
from kvcheck.trace.path import Move, NotReproduced
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
from kvspec.lang.concrete import initial_states
from kvspec.lang.ir import Promise

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


class Waits(Walk):
    """One of the moves is owed strong fairness, and counts on a promise of the other."""

    open_soon: Constant[Node, bool]
    is_open: Constant[Node, bool]
    far_from_open: Constant[Node, Annotated[int, Range(0, MOST)]]

    @eventually(id="TOY-W2", why="a drawn machine", weak=("helps_too",), measure=("way_to_open",))
    def opens(self) -> bool:
        "The walk comes where it is open."
        require("soon", self.open_soon[self.here])
        return self.is_open[self.here]

    @eventually(
        id="TOY-W",
        why="a drawn machine",
        strong=("helps",),
        weak=("helps_too",),
        measure=("way",),
        relies_on="opens",
    )
    def arrives(self) -> bool:
        "The walk arrives."
        require("it has begun", self.begins[self.here])
        return self.met[self.here]

    def way_to_open(self) -> int:
        "How far it is to where it is open."
        return self.far_from_open[self.here]


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


def traced(t: Tables, walk: type[Walk] = Walk) -> Model:
    return walk.trace(sizes={"Node": NODES}, constants={name: iter(c) for name, c in t.items()})


def test_what_a_measure_proves_is_kept_and_what_the_rules_allow_is_proved() -> None:
    draw, seen = Random(11), Counter[tuple[Outcome, Outcome]]()
    for _ in range(45):
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
    assert seen[Outcome.HOLDS, Outcome.HOLDS] >= 5
    assert seen[Outcome.INCONCLUSIVE, Outcome.HOLDS] >= 3
    assert seen[Outcome.INCONCLUSIVE, Outcome.VIOLATED] >= 10


NOISE = 0.05
DOOR: Tables = {  # a door, open in 2 and 3, leads on; the second move opens it, who roams shuts it
    "may_help": [0, 0, 1, 1],
    "help": [0, 1, 0, 2],
    "may_help_too": [1, 1, 0, 0],
    "help_too": [2, 2, 2, 3],
    "may_roam": [0, 1, 1, 1],
    "roam": [0, 1, 1, 3],
    "begins": [0, 1, 1, 1],
    "met": [1, 0, 0, 0],
    "far": [0, 1, 1, 2],
    "open_soon": [1, 1, 0, 0],
    "is_open": [0, 0, 1, 1],
    "far_from_open": [1, 1, 0, 0],
}
BITS = ("may_help", "may_help_too", "may_roam", "begins", "met", "open_soon", "is_open")


def with_a_door(draw: Random) -> Tables:
    """The walk through the door, here and there with something else instead."""

    def noisy(name: str, value: int) -> int:
        return draw.randrange(2 if name in BITS else NODES) if draw.random() < NOISE else value

    return {name: [noisy(name, value) for value in row] for name, row in DOOR.items()}


def is_broken(model: Model, promise: Promise, breach: Breach) -> bool:
    try:
        confirm(model, promise, breach, ())
    except NotReproduced:
        return False
    return True


def is_right_everywhere(model: Model, promise: Promise) -> bool:
    """No rule is broken in any state, by plain evaluation, also of what is relied on."""
    other = relied_on(model, promise)
    if other is not None and not is_right_everywhere(model, other):
        return False
    moves = [Move(action.name, ()) for action in model.actions]
    breaches = (
        Breach(rule, (), state, move)
        for state in initial_states(model)
        for rule in Rule
        for move in ([None] if rule is Rule.SOMEBODY_ABLE else moves)
    )
    return not any(is_broken(model, promise, breach) for breach in breaches)


def test_what_the_rules_allow_by_strong_fairness_is_kept() -> None:
    draw, seen = Random(12), Counter[tuple[bool, bool, Outcome]]()
    for number in range(100):
        model = traced(with_a_door(draw), Waits)
        searched = {kept.promise.name: kept.verdict.outcome for kept in check(model, bound="")}
        promise = next(p for p in model.promises if p.relies_on)
        right = is_right_everywhere(model, promise)
        alone = is_right_everywhere(model, replace(promise, relies_on=""))
        assert not right or searched["arrives"] is not Outcome.VIOLATED, model.constants
        seen[right, alone, searched["arrives"]] += 1
        if number < 6 and searched["arrives"] is not Outcome.NOT_RUN:
            proofs = rank(model, bound="", options=SolveOptions(), clock=lambda: 0.0)
            (proof,) = [one for one in proofs if one.promise.relies_on]
            if searched["opens"] is not Outcome.NOT_RUN:
                assert (proof.verdict.outcome is Outcome.HOLDS) == right, model.constants
    assert seen[True, False, Outcome.HOLDS] >= 12, "some need the promise that they rely on"
    assert seen[False, False, Outcome.HOLDS] >= 6
    assert seen[False, False, Outcome.VIOLATED] >= 15

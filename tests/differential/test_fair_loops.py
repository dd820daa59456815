"""The search for a fair loop against trying every set of nodes of small drawn graphs."""

from __future__ import annotations

from itertools import chain, combinations
from random import Random

from kvcheck.live.fair import Fairness, components, fair_components

Graph = dict[int, tuple[tuple[int, int], ...]]
ACTORS = 3


def drawn(draw: Random) -> tuple[Graph, Fairness]:
    count = draw.randint(1, 5)
    edges: Graph = {
        n: tuple(
            (1 << draw.randrange(ACTORS), draw.randrange(count)) for _ in range(draw.randint(0, 3))
        )
        for n in range(count)
    }
    weak, strong = draw.randrange(1 << ACTORS), draw.randrange(1 << ACTORS)
    enabled = dict.fromkeys(edges, 0)
    for node, steps in edges.items():
        for actors, _ in steps:
            enabled[node] |= actors
    return edges, Fairness(weak, strong, enabled.__getitem__)


def reaches(edges: Graph, among: frozenset[int], start: int) -> set[int]:
    """The nodes that steps inside the set lead to from the start, by at least one step."""
    found: set[int] = set()
    front = [start]
    while front:
        for _, target in edges[front.pop()]:
            if target in among and target not in found:
                found.add(target)
                front.append(target)
    return found


def is_fair_loop(edges: Graph, among: frozenset[int], owed: Fairness) -> bool:
    """Whether a run can stay in exactly these nodes for ever, going through all, fair to all."""
    if len(among) == 1 and not owed.enabled(min(among)) & (owed.weak | owed.strong):
        return True
    if any(reaches(edges, among, node) != among for node in among):
        return False
    taken = 0
    for node in among:
        for actors, target in edges[node]:
            taken |= actors if target in among else 0
    for bit in (1 << n for n in range(ACTORS)):
        if taken & bit:
            continue
        enabled = [bool(owed.enabled(node) & bit) for node in among]
        if (owed.weak & bit and all(enabled)) or (owed.strong & bit and any(enabled)):
            return False
    return True


def test_a_fair_loop_is_found_exactly_where_trying_every_set_finds_one() -> None:
    draw, answers = Random(5), {True: 0, False: 0}
    for _ in range(3000):
        edges, owed = drawn(draw)
        nodes = [n for n in edges if draw.random() < 0.6]  # the others are where promises are met
        sets = chain.from_iterable(combinations(nodes, k) for k in range(1, len(nodes) + 1))
        expected = any(is_fair_loop(edges, frozenset(s), owed) for s in sets)
        found = list(fair_components(nodes, edges, owed))
        assert bool(found) == expected, (edges, owed.weak, owed.strong)
        assert all(is_fair_loop(edges, component, owed) for component in found)
        answers[expected] += 1
    assert min(answers.values()) > 500, "both answers were drawn often"


def test_components_are_what_reaches_each_other() -> None:
    draw = Random(6)
    for _ in range(500):
        edges, _ = drawn(draw)
        nodes = frozenset(edges)
        expected = {
            frozenset(
                m
                for m in nodes
                if m == n or (m in reaches(edges, nodes, n) and n in reaches(edges, nodes, m))
            )
            for n in nodes
        }
        assert set(components(nodes, edges)) == expected

"""Is there a loop among these states that is fair to everybody? Emerson and Lei's question.

It decides only that, for weak and strong fairness at once. The idea: a fair loop lies in one
strongly connected component. One that an always enabled weak actor never steps in has no fair loop;
where a strong actor is enabled and never steps, its states are taken out, and what is left is asked
again. E. A. Emerson and C.-L. Lei, "Modalities for model checking", 1987.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

Edges = Mapping[int, tuple[tuple[int, int], ...]]
"""The steps from each node, as (bits of the actors whose step it is, node)."""


@dataclass(frozen=True, slots=True)
class Fairness:
    """Actors as bits: which are weak, which are strong, and which are enabled in a node."""

    weak: int
    strong: int
    enabled: Callable[[int], int]


def fair_components(nodes: Iterable[int], edges: Edges, owed: Fairness) -> Iterator[frozenset[int]]:
    """The components with a fair loop; a single node stands for staying there, too.

    Staying is a loop of its own: nothing forces a step but fairness.
    """
    pending = [frozenset(nodes)]
    while pending:
        among = pending.pop()
        for node in among:
            if not owed.enabled(node) & (owed.weak | owed.strong):
                yield frozenset((node,))
        for component in components(among, edges):
            taken = _taken(component, edges)
            if taken is None:
                continue
            always, ever = -1, 0
            for node in component:
                always &= owed.enabled(node)
                ever |= owed.enabled(node)
            if always & owed.weak & ~taken:
                continue
            starved = ever & owed.strong & ~taken
            if not starved:
                yield component
                continue
            left = frozenset(n for n in component if not owed.enabled(n) & starved)
            if left:
                pending.append(left)


def _taken(component: frozenset[int], edges: Edges) -> int | None:
    """The actors that step inside the component; None if nothing does."""
    taken, any_step = 0, False
    for node in component:
        for actors, target in edges[node]:
            if target in component:
                taken |= actors
                any_step = True
    return taken if any_step else None


def components(nodes: frozenset[int], edges: Edges) -> Iterator[frozenset[int]]:
    """The strongly connected components of the graph between the nodes (Tarjan 1972)."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    for root in nodes:
        if root in index:
            continue
        work = [(root, iter(edges[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, steps = work[-1]
            for _, target in steps:
                if target not in nodes:
                    continue
                if target not in index:
                    index[target] = low[target] = len(index)
                    stack.append(target)
                    on_stack.add(target)
                    work.append((target, iter(edges[target])))
                    break
                if target in on_stack:
                    low[node] = min(low[node], index[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    found = set()
                    while node not in found:
                        member = stack.pop()
                        on_stack.discard(member)
                        found.add(member)
                    yield frozenset(found)

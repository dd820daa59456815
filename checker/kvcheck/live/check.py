"""Each promise of a model, kept or broken: the shortest way to a fair loop that never meets it.

It decides the verdict and builds the run; whether a loop is fair is `fair`'s, whether the run is
real is `lasso`'s. The idea: beside each state goes one bit, whether a promise made is still open;
a run breaks it if from some point on the bit stays set, so the loop is looked for among those.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product

from kvcheck.live.fair import Fairness, fair_components
from kvcheck.live.graph import Graph, NotWhole, build
from kvcheck.live.lasso import Lasso, begun_and_met, confirm, owed
from kvcheck.trace.path import Move, Path
from kvcheck.verdict import Evidence, Outcome, Verdict
from kvspec.lang.concrete import Arguments
from kvspec.lang.ir import Model, Promise

Node = int
"""Twice the number of a state, and one more if a promise is open."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of one promise; `lasso` is the run that breaks it."""

    promise: Promise
    verdict: Verdict
    lasso: Lasso | None = None


def check(
    model: Model,
    *,
    bound: str,
    states_max: int = 1_000_000,
    is_time_up: Callable[[], bool] = lambda: False,
) -> tuple[Kept, ...]:
    """Every promise of the model; `bound` says for which sizes. None made is an empty answer."""
    if not model.promises:
        return ()
    try:
        graph = build(model, states_max=states_max, is_time_up=is_time_up)
    except NotWhole as reason:
        verdict = Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, bound, str(reason))
        return tuple(Kept(promise, verdict) for promise in model.promises)
    extent = f"{bound}, {len(graph.states)} states"
    return tuple(_judged(model, graph, promise, extent) for promise in model.promises)


def _judged(model: Model, graph: Graph, promise: Promise, bound: str) -> Kept:
    was_made = False
    shortest: Lasso | None = None
    for arguments in product(*(range(p.type.low, p.type.high + 1) for p in promise.parameters)):
        search = _Search(model, graph, promise, arguments)
        was_made = was_made or search.was_made
        found = search.lasso()
        if found is not None and (
            shortest is None or len(found.stem.moves) < len(shortest.stem.moves)
        ):
            shortest = found
    if shortest is not None:
        confirm(model, shortest)
        return Kept(promise, Verdict(Outcome.VIOLATED, Evidence.NONE, bound), shortest)
    if not was_made:
        reason = "no reachable state makes the promise, so nothing was asked of it"
        return Kept(promise, Verdict(Outcome.NOT_RUN, Evidence.NONE, bound, reason))
    return Kept(promise, Verdict(Outcome.HOLDS, Evidence.EXHAUSTED, bound))


class _Search:
    """One promise with one choice of its arguments, on one graph."""

    def __init__(self, model: Model, graph: Graph, promise: Promise, arguments: Arguments) -> None:
        self.graph, self.promise, self.arguments = graph, promise, arguments
        marks = [begun_and_met(model, promise, arguments, s) for s in graph.states]
        self.begun = [begun and not met for begun, met in marks]
        self.met = [met for _, met in marks]
        self.was_made = any(begun for begun, _ in marks)
        actors = {who: 1 << n for n, who in enumerate(owed(model, promise))}
        self.bits = [
            actors.get((step.actor, step.arguments), 0)
            | actors.get((step.action.name, step.arguments), 0)
            for step in graph.labels
        ]
        self.weak = sum(bit for (name, _), bit in actors.items() if name in promise.weak)
        self.strong = sum(bit for (name, _), bit in actors.items() if name in promise.strong)
        self.parent: dict[Node, tuple[Node, int] | None] = {}
        self._walk()

    def _node(self, state: int, was_open: bool) -> Node:
        is_open = not self.met[state] and (was_open or self.begun[state])
        return 2 * state + is_open

    def _walk(self) -> None:
        """Reach every node, nearest first."""
        queue: deque[Node] = deque()
        for state in range(self.graph.start_count):
            node = self._node(state, False)
            self.parent[node] = None
            queue.append(node)
        while queue:
            node = queue.popleft()
            for label, state in self.graph.edges[node // 2]:
                after = self._node(state, bool(node % 2))
                if after not in self.parent:
                    self.parent[after] = (node, label)
                    queue.append(after)

    def lasso(self) -> Lasso | None:
        """The run with the shortest stem, if there is one."""
        nearest = {node: n for n, node in enumerate(self.parent) if node % 2}
        states = {node // 2: node for node in nearest}
        edges = {
            state: tuple((self.bits[label], to) for label, to in self.graph.edges[state])
            for state in states
        }
        enabled = {state: _union(bits for bits, _ in out) for state, out in edges.items()}
        owed_to = Fairness(self.weak, self.strong, enabled.__getitem__)
        found = list(fair_components(states, edges, owed_to))
        if not found:
            return None
        entries = [(min(nearest[states[s]] for s in component), component) for component in found]
        _, component = min(entries, key=lambda entry: (entry[0], len(entry[1])))
        entry = min(component, key=lambda s: nearest[states[s]])
        stem = self._stem(states[entry])
        return Lasso(self.promise, self.arguments, stem, self._loop(entry, component, enabled))

    def _stem(self, node: Node) -> Path:
        moves: list[Move] = []
        while (before := self.parent[node]) is not None:
            node, label = before
            moves.append(self._move(label))
        return Path(self.graph.states[node // 2], tuple(reversed(moves)))

    def _move(self, label: int) -> Move:
        return Move(self.graph.labels[label].action.name, self.graph.labels[label].arguments)

    def _loop(
        self, entry: int, component: frozenset[int], enabled: dict[int, int]
    ) -> tuple[Move, ...]:
        """From the entry back to it, past what makes it fair: the nearest of it first."""
        everybody = self.weak | self.strong
        if len(component) == 1 and not enabled[entry] & everybody:
            return ()
        waiting_for_step = self.strong & _union(enabled[s] for s in component)
        waiting = self.weak
        here, moves = entry, list[Move]()

        def is_help(label: int, state: int) -> bool:
            stepped = self.bits[label] & (waiting | waiting_for_step)
            return bool(stepped or waiting & ~enabled[state])

        while (waiting := waiting & enabled[here]) or waiting_for_step:
            here, labels = self._route(here, component, is_help)
            for label in labels:
                moves.append(self._move(label))
                waiting &= ~self.bits[label]
                waiting_for_step &= ~self.bits[label]
        if here != entry or not moves:
            _, labels = self._route(here, component, lambda _, state: state == entry)
            moves += [self._move(label) for label in labels]
        return tuple(moves)

    def _route(
        self, start: int, component: frozenset[int], is_end: Callable[[int, int], bool]
    ) -> tuple[int, list[int]]:
        """The fewest steps inside the component to a step that ends it: where, and the labels."""
        before: dict[int, tuple[int, int]] = {}
        queue = deque([start])
        while queue:
            state = queue.popleft()
            for label, after in self.graph.edges[state]:
                if after not in component:
                    continue
                if is_end(label, after):
                    labels = [label]
                    while state != start:
                        label, state = before[state]
                        labels.append(label)
                    return after, labels[::-1]
                if after not in before and after != start:
                    before[after] = (label, state)
                    queue.append(after)
        raise AssertionError("a component leads from each of its states to each of its steps")


def _union(masks: Iterable[int]) -> int:
    found = 0
    for mask in masks:
        found |= mask
    return found

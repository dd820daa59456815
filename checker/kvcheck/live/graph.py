"""Every reachable state of a model with every step between them: what liveness is decided on.

It decides how far the graph is built and that it is whole; a graph that is cut anywhere says
nothing about what must come in the end. States that symmetry would merge are kept apart, since a
promise may name one of them and fairness is owed to each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from kvcheck.explore.pygen import generate
from kvcheck.explore.sites import sites_of
from kvspec.lang.concrete import Arguments, initial_states
from kvspec.lang.ir import Action, Model
from kvspec.lang.state import State
from kvspec.lang.types import value_count

BATCH = 1024


@dataclass(frozen=True, slots=True)
class Label:
    """Which step an edge is: an action with its arguments."""

    action: Action
    arguments: Arguments

    @property
    def actor(self) -> str:
        """The thread whose step it is, or the action."""
        return self.action.thread or self.action.name


@dataclass(slots=True)
class Graph:
    """`edges[n]` are the steps from state n as (label, state); the first states are the starts."""

    states: list[State] = field(default_factory=list)
    edges: list[tuple[tuple[int, int], ...]] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    start_count: int = 0


class NotWhole(Exception):
    """The graph was not built to its end; the text says why."""


def build(
    model: Model, *, states_max: int = 1_000_000, is_time_up: Callable[[], bool] = lambda: False
) -> Graph:
    """The whole graph. Raises: NotWhole."""
    code = generate(model, sites_of(model), counted=False, labelled=True)
    graph = Graph()
    label_of: dict[tuple[int, int], int] = {}
    number_of: dict[State, int] = {}
    for start in initial_states(model):
        number_of[start] = len(graph.states)
        graph.states.append(start)
    graph.start_count = len(graph.states)
    while len(graph.edges) < len(graph.states):
        if len(graph.states) > states_max:
            raise NotWhole(f"budget: more than {states_max} states")
        if len(graph.edges) % BATCH == 0 and is_time_up():
            raise NotWhole(f"budget: time was up after {len(graph.edges)} states")
        state = graph.states[len(graph.edges)]
        out: list[tuple[int, int]] = []
        for action, successors_of in enumerate(code.actions):
            found: list[tuple[int, State]] = []
            failures: list[tuple[int, int]] = []
            successors_of(state, found, failures, [])  # type: ignore[arg-type]  # labelled ones
            if failures:
                raise NotWhole(
                    f"an assertion of {model.actions[action].name} fails in a reachable state"
                )
            for combination, after in found:
                label = label_of.setdefault((action, combination), len(label_of))
                if label == len(graph.labels):
                    chosen = _arguments(model.actions[action], combination)
                    graph.labels.append(Label(model.actions[action], chosen))
                target = number_of.setdefault(after, len(graph.states))
                if target == len(graph.states):
                    graph.states.append(after)
                out.append((label, target))
        graph.edges.append(tuple(out))
    return graph


def _arguments(action: Action, combination: int) -> Arguments:
    values: list[int] = []
    for parameter in reversed(action.parameters):
        combination, place = divmod(combination, value_count(parameter.type))
        values.append(parameter.type.low + place)
    return tuple(reversed(values))

"""Litmus programs in the operational design: a program becomes tables, a search finds its ends.

It decides which table of `kvspec.models.streams` each field of a step goes to; what a line then
does is the design's. An outcome is read off a state in which everything is over; a state that is
stuck, or breaks an invariant of the design, is a fault of the design and raised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from kvcheck.explore.claim import Claim
from kvcheck.explore.options import Options
from kvcheck.explore.pygen import generate
from kvcheck.explore.pysearch import PySearch
from kvcheck.explore.result import Stopped
from kvcheck.explore.sites import sites_of
from kvcheck.litmus.nodes import free_before
from kvcheck.litmus.on_sim import Seen
from kvcheck.litmus.program import (
    LEGACY,
    NOT_REACHED,
    Outcome,
    Program,
    Space,
    Step,
    Verb,
    space_of,
)
from kvspec.lang.concrete import initial_states
from kvspec.lang.ir import Model
from kvspec.lang.state import State
from kvspec.models import streams
from kvspec.models.streams import StreamOrder

STATES_MAX = 200_000
VERBS: Mapping[Verb, streams.Verb] = MappingProxyType(
    {
        Verb.WRITE: streams.Verb.WRITE,
        Verb.READ: streams.Verb.READ,
        Verb.QUERY: streams.Verb.QUERY,
        Verb.SYNC: streams.Verb.SYNC,
        Verb.FREE: streams.Verb.FREE,
        Verb.ALLOC: streams.Verb.ALLOC,
        Verb.DESTROY: streams.Verb.DESTROY,
        Verb.USES: streams.Verb.USES,
        Verb.SET: streams.Verb.SET,
        Verb.CALL: streams.Verb.SET,
        Verb.SET_FROM: streams.Verb.COPY,
        Verb.COPY: streams.Verb.COPY,
        Verb.KERNEL: streams.Verb.COPY,
        Verb.ALIAS: streams.Verb.COPY,
        Verb.REPLAY: streams.Verb.COPY,
        Verb.BATCH: streams.Verb.BATCH,
        Verb.RECORD: streams.Verb.RECORD,
        Verb.WAIT: streams.Verb.WAIT,
    }
)
NOBODY = "-"


class DesignFault(Exception):
    """The design got stuck, or broke one of its own invariants."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the tables: a step, or one of the works that belong to it."""

    verb: streams.Verb
    step: Step
    thread: int
    place: int
    stream: str
    to: str
    source: str
    parent: int


def by_design(program: Program, design: type[StreamOrder] = StreamOrder) -> Seen:
    """All outcomes that the design ends in; it knows no races. Raises: DesignFault."""
    lines = _lines(program)
    model = design.instance(sizes=_sizes(program, lines), tables=_tables(program, lines))
    sites = sites_of(model)
    code = generate(model, sites, counted=False)
    search = PySearch(
        code,
        sites,
        Options(states_max=STATES_MAX),
        list(initial_states(model)),
        ask=lambda tally, _: Stopped.STATES if tally.states > STATES_MAX else None,
        canonical=None,
    )
    found = search.run()
    if found.violations:
        raise DesignFault(_fault(found.violations[0]))
    ends = [state for state in search.parents if code.check_terminals(state)]
    outcomes = frozenset(_outcome(program, lines, model, state) for state in ends)
    return Seen(outcomes, None, found.stopped is Stopped.COMPLETE)


def _lines(program: Program) -> tuple[_Line, ...]:
    """The lines: all steps, thread by thread, then the works that belong to some of them."""
    lines: list[_Line] = []
    for thread, steps in enumerate(program.threads):
        for place, step in enumerate(steps):
            verb = VERBS[step.verb]
            to, source = step.to or step.source, step.source or step.to
            lines.append(_Line(verb, step, thread, place, step.stream, to, source, len(lines)))
    for number, line in enumerate(tuple(lines)):
        step, at = line.step, (line.thread, line.place)
        for to, source in step.copies:
            member = streams.Verb.MEMBER
            lines.append(_Line(member, step, *at, step.stream, to, source, number))
        if step.verb is Verb.FREE:
            for stream in program.streams:
                release = streams.Verb.RELEASE
                lines.append(_Line(release, step, *at, stream, step.to, step.to, number))
    return tuple(lines)


def _sizes(program: Program, lines: Sequence[_Line]) -> dict[str, int]:
    return {
        "Line": len(lines),
        "Thread": len(program.threads),
        "Stream": max(1, len(program.streams)),
        "Event": max(1, len(_events(program))),
        "Place": max(1, len(program.places)),
        "LINES": len(lines),
    }


def _events(program: Program) -> list[str]:
    return [*program.events, *sorted(program.marks)]


def _tables(program: Program, lines: Sequence[_Line]) -> dict[str, list[object]]:
    def number(names: Sequence[str], name: str) -> int:
        return names.index(name) if name in names else 0

    steps = [line.step for line in lines]
    guards = [_guard(program, lines, line) for line in lines]
    frees = [_freed(program, lines, line) for line in lines]
    start = dict(program.start)
    names = program.streams or (NOBODY,)
    asked = [line.step.on if line.step.on in names else line.stream for line in lines]
    own = [number(_events(program), step.on) for step in steps]
    return {
        "verb": [line.verb for line in lines],
        "thread": [line.thread for line in lines],
        "place_in_thread": [line.place for line in lines],
        "last": [len(thread) for thread in program.threads],
        "stream": [number(names, name) for name in asked],
        "to": [number(program.places, line.to) for line in lines],
        "source": [number(program.places, line.source) for line in lines],
        "value": [step.value for step in steps],
        "on": [_on(program, step) for step in steps],
        "event": list(own),
        "also": [
            number(_events(program), step.mark) if step.mark else event
            for step, event in zip(steps, own, strict=True)
        ],
        "guard": [0 if guard is None else guard for guard in guards],
        "is_guarded": [guard is not None for guard in guards],
        "is_early": [program.reads_early(step) for step in steps],
        "is_complete_at_return": [program.returns_complete(step) for step in steps],
        "is_noted": [step.verb is Verb.COPY for step in steps],
        "is_poisoned": [bool(step.to) and space_of(step.to) is not Space.DEVICE for step in steps],
        "parent": [line.parent for line in lines],
        "freed": [0 if free is None else free for free in frees],
        "takes_freed": [free is not None for free in frees],
        "is_legacy": [name == LEGACY for name in names],
        "is_blocking": [name in program.blocking for name in names],
        "start": [start.get(name, 0) for name in program.places] or [0],
    }


def _guard(program: Program, lines: Sequence[_Line], line: _Line) -> int | None:
    """The query that decides whether the line is reached."""
    for number, other in enumerate(lines):
        if line.step.when and other.step.result == line.step.when:
            return number
    return None


def _freed(program: Program, lines: Sequence[_Line], line: _Line) -> int | None:
    """The free whose byte an allocation may be given."""
    if line.step.verb is not Verb.ALLOC:
        return None
    place = free_before(program, line.step, line.thread, line.place)
    at = [(other.thread, other.place) for other in lines]
    return None if place is None else at.index((line.thread, place))


def _on(program: Program, step: Step) -> streams.On:
    if step.on in program.streams:
        return streams.On.STREAM
    return streams.On.EVENT if step.on else streams.On.DEVICE


def _outcome(program: Program, lines: Sequence[_Line], model: Model, state: State) -> Outcome:
    rows = {v.name: row for v, row in zip(model.variables, state, strict=True)}
    outcome = []
    for number, line in enumerate(lines[: len(program.steps)]):
        if line.step.verb in (Verb.READ, Verb.QUERY):
            guard = _guard(program, lines, line)
            is_reached = guard is None or rows["seen"][guard] == 1
            outcome.append(rows["seen"][number] if is_reached else NOT_REACHED)
    for name in program.ends:
        cell = rows["cell"][program.places.index(name)]
        assert isinstance(cell, int)
        outcome.append(rows["holds"][cell])
    return tuple(value for value in outcome if isinstance(value, int))


def _fault(claim: Claim) -> str:
    return (
        f"The design of stream order ends in a {claim.kind.value} after {len(claim.chain) - 1} "
        "steps of a litmus program. Most likely one of its actions or invariants is wrong. "
        "Search the program's model with kvcheck.explore for the run."
    )

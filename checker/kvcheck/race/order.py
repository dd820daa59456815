"""What a journal orders: which call, or which piece of work, is before which other in every run.

It decides happens-before from the calls alone, with no device and no clock: program order,
enqueuing before executing, stream order, recording before waiting, completion before a synchronize
that returned or a query that said yes, fences of the legacy stream, locks, spawn and join. A
simulated device reaches the same by vector clocks while it runs; a test holds each to the other.

Not ordered here: what an allocator waits for, which is its own matter and no promise to a program.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kvcheck.race.journal import ENQUEUES, LEGACY, Call, Does, Named


class Node(NamedTuple):
    """A call, or the execution of the work that it enqueued."""

    call: int
    is_executing: bool


class Order:
    """Happens-before of one journal."""

    def __init__(self, calls: Sequence[Call], blocking: frozenset[str]) -> None:
        self._blocking = blocking
        self._number: dict[Node, int] = {}
        self._before: list[int] = []
        self._bound: dict[int, tuple[int, ...]] = {}
        self._last_work: dict[str, int] = {}
        self._recorded: dict[int, int] = {}
        self._ends: dict[str, tuple[Node, ...]] = {}
        self._spawned: dict[str, tuple[Node, ...]] = {}
        self._released: dict[str, tuple[Node, ...]] = {}
        for call in calls:
            self._add(call)

    def before(self, first: Node, second: Node) -> bool:
        """Whether the first is before the second in every run that makes these calls."""
        one, two = self._number.get(first), self._number.get(second)
        return one is not None and two is not None and bool(self._before[two] >> one & 1)

    def bound(self, wait: Call) -> tuple[int, ...]:
        """The calls whose work the wait, query or synchronize was about; none if never recorded."""
        return self._bound.get(wait.id, ())

    def _add(self, call: Call) -> None:
        after = self._host_edges(call)
        if call.on is not None:
            self._bound[call.id] = tuple(self._named(call))
        works = [Node(work, True) for work in self._bound.get(call.id, ())]
        waits_now = call.does is Does.SYNCHRONIZE or (call.does is Does.QUERY and call.answer)
        if call.does in ENQUEUES:
            self._node(Node(call.id, False), after)
            mine = [Node(call.id, False), *works]
            mine += [Node(work, True) for work in self._ahead(call.stream)]
            self._node(Node(call.id, True), mine)
            self._last_work[call.stream] = call.id
            if call.does is Does.RECORD:
                self._recorded[call.number] = call.id
        else:
            self._node(Node(call.id, False), [*after, *(works if waits_now else ())])
        end = (Node(call.id, False), *([Node(call.id, True)] if call.returns_done else []))
        self._ends[call.task] = end
        if call.does is Does.SPAWN:
            self._spawned[call.label] = end
        elif call.does is Does.RELEASE:
            self._released[call.label] = end

    def _node(self, node: Node, after: Sequence[Node]) -> None:
        number = len(self._before)
        self._number[node] = number
        mask = 1 << number
        for one in after:
            mask |= self._before[self._number[one]]
        self._before.append(mask)

    def _host_edges(self, call: Call) -> list[Node]:
        """What the host knew to be over when it made the call."""
        known = list(self._ends.get(call.task, self._spawned.get(call.task, ())))
        if call.does is Does.JOIN:
            known += self._ends.get(call.label, ())
        if call.does is Does.ACQUIRE:
            known += self._released.get(call.label, ())
        return known

    def _ahead(self, stream: str) -> list[int]:
        """The last work of each stream that this one's next work comes after."""
        if stream == LEGACY:
            streams = [LEGACY, *sorted(self._blocking)]
        else:
            streams = [stream, LEGACY] if stream in self._blocking else [stream]
        return [self._last_work[name] for name in streams if name in self._last_work]

    def _named(self, call: Call) -> list[int]:
        on = call.on
        assert on is not None
        if on.named is Named.ALL:
            return [self._last_work[name] for name in sorted(self._last_work)]
        if on.named is Named.STREAM:
            work = self._last_work.get(on.name)
        elif on.named is Named.EVENT:
            work = self._recorded.get(on.number)
        else:
            work = on.number if Node(on.number, True) in self._number else None
        return [] if work is None else [work]

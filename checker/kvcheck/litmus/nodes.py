"""The events of a program, as the axioms know them: calls of the host, and works of the device.

It decides which events there are and what each touches; which come before which is for `axioms`.
A call that puts work into a stream is two events: the call, which the host does now, and the work,
which happens later. An event is indivisible.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from kvcheck.litmus.program import POISON, Program, Space, Step, Verb, space_of


class Role(Enum):
    """What an event is of."""

    CALL = "call"
    RETURN = "return"  # of a call that waits
    WORK = "work"
    END = "end"  # all work has completed and the bytes are looked at


@dataclass(frozen=True, slots=True)
class Node:
    """An event. `place` is its number in its host thread; a work has that of its call.

    It reads `reads` and writes `writes`: the value that `copies` read if there is such an event,
    else `value`. `part` tells the works of one call apart.
    """

    role: Role
    thread: int
    place: int
    step: Step
    part: int = 0
    stream: str = ""
    reads: str = ""
    writes: str = ""
    value: int = 0
    copies: Node | None = None

    def __str__(self) -> str:
        return f"{self.role.value}{self.thread}.{self.place}.{self.part}"


def nodes_of(program: Program) -> tuple[Node, ...]:
    """All events of the program, the end excepted."""
    return tuple(
        node
        for thread, steps in enumerate(program.threads)
        for place, step in enumerate(steps)
        for node in _nodes(program, step, thread, place)
    )


def _nodes(program: Program, step: Step, thread: int, place: int) -> list[Node]:
    early = step.source if step.verb is Verb.READ or program.reads_early(step) else ""
    poisons = step.verb is Verb.FREE and space_of(step.to) is not Space.DEVICE
    noted = noted_streams(program, step, thread, place) if step.verb is Verb.FREE else ()
    is_written = step.verb is Verb.WRITE or (poisons and not noted)
    call = Node(
        Role.CALL,
        thread,
        place,
        step,
        reads=early,
        writes=step.to if is_written else "",
        value=POISON if poisons else step.value,
    )
    works = _works(step, call, noted)
    waits = step.verb is Verb.SYNC or program.returns_complete(step)
    return [call, *works, *([Node(Role.RETURN, thread, place, step)] if waits else [])]


def _works(step: Step, call: Node, noted: tuple[str, ...]) -> list[Node]:
    def work(**more: object) -> Node:
        return Node(Role.WORK, call.thread, call.place, step, **more)  # type: ignore[arg-type]

    if step.verb is Verb.FREE:
        return [work(stream=stream, part=part) for part, stream in enumerate(noted)]
    if step.verb in (Verb.RECORD, Verb.WAIT):
        return [work(stream=step.stream)]
    if step.verb in (Verb.SET, Verb.CALL):
        return [work(stream=step.stream, writes=step.to, value=step.value)]
    if step.verb is Verb.BATCH:
        return [
            work(stream=step.stream, part=part, reads=source, writes=to)
            for part, (to, source) in enumerate(step.copies)
        ]
    if step.verb in (Verb.COPY, Verb.KERNEL, Verb.ALIAS, Verb.REPLAY, Verb.SET_FROM):
        if call.reads:
            return [work(stream=step.stream, writes=step.to, copies=call)]
        return [work(stream=step.stream, reads=step.source, writes=step.to)]
    return []


def noted_streams(program: Program, free: Step, thread: int, place: int) -> tuple[str, ...]:
    """The streams that the allocator waits for when this place is freed here.

    torch's host allocator is told of copies, its device allocator of `uses`, neither of kernels.
    """
    telling = (Verb.USES,) if space_of(free.to) is Space.DEVICE else (Verb.COPY,)
    before = program.threads[thread][:place]
    if space_of(free.to) is Space.PAGEABLE:
        return ()
    users = [s.stream for s in before if s.verb in telling and free.to in (s.to, s.source)]
    return tuple(dict.fromkeys(users))


def free_before(program: Program, alloc: Step, thread: int, place: int) -> int | None:
    """The place in this thread of the free whose block the allocation may be given."""
    for earlier in reversed(range(place)):
        step = program.threads[thread][earlier]
        if step.verb is Verb.FREE:
            same = space_of(step.to) is space_of(alloc.to)
            return earlier if same and space_of(alloc.to) is not Space.PAGEABLE else None
    return None

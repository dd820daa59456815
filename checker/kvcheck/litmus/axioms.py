"""Stream order as axioms: which outcomes have an execution that no axiom forbids, found by Z3.

It decides outcomes and races without executing anything. An execution is a choice, for each read,
of the write it reads from, and an order in which everything happened; the axioms are that
happens-before, reads-from, coherence and from-reads together have no cycle. An event variable is
read and written like a byte, so which recording a wait means is a choice of the same kind. Two
accesses race if one writes and happens-before alone, without reads-from, leaves them unordered.

After Alglave, Maranget and Tautschnig, "Herding cats" (TOPLAS 2014), with streams for threads.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any, TypeAlias

import z3  # type: ignore[import-untyped]

from kvcheck.litmus.nodes import Node, Role, free_before, nodes_of
from kvcheck.litmus.on_sim import Seen
from kvcheck.litmus.program import (
    NOT_REACHED,
    POISON,
    Outcome,
    Program,
    Space,
    Step,
    Verb,
    space_of,
)

Term: TypeAlias = Any  # Any: Z3's expressions have no types
Bound: TypeAlias = list[tuple[Node, Term]]
"""Works that something waits for or asks about, each with the condition under which it does."""

MODELS_MAX = 5_000


class Axioms:
    """One program's executions, as constraints; each axiom is a method, so one can be wrong."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.context = z3.Context()
        self.solver = z3.Solver(ctx=self.context)
        self.true = z3.BoolVal(True, ctx=self.context)
        self.nodes = nodes_of(program)
        self.end = Node(Role.END, -1, 0, Step(verb=Verb.SYNC))
        self.at = {n: z3.Int(f"at {n}", ctx=self.context) for n in (*self.nodes, self.end)}
        self.works = [n for n in self.nodes if n.role is Role.WORK]
        self.calls = {(n.thread, n.place): n for n in self.nodes if n.role is Role.CALL}
        self.answers: dict[tuple[int, int], Term] = {}
        self.answer_of: dict[str, Term] = {}
        self.choices: list[Term] = []
        self.edges: list[tuple[Node, Node, Term]] = []
        self.accesses: list[tuple[Node, str, bool, Term]] = []
        self.values: dict[Node, Term] = {}
        self.reuse: dict[str, tuple[str, Term]] = {}
        self._state()

    def _state(self) -> None:
        """All axioms, in an order in which each finds what it names."""
        self.solver.add(z3.Distinct(*self.at.values()))
        for at, call in self.calls.items():
            if call.step.verb is Verb.QUERY:
                self.answers[at] = self._new(f"answer {call}")
                self.answer_of[call.step.result] = self.answers[at]
        self.program_order()
        self.stream_order()
        for call in self.calls.values():
            if call.step.verb is Verb.WAIT:
                self.waits(call)
            elif call.step.verb is Verb.QUERY:
                asked = self.bound(call, call.step.on)
                self.answers_truly(call, self.answers[call.thread, call.place], asked)
            elif call.step.verb is Verb.ALLOC:
                self.allocates(call)
        for node in self.nodes:
            if node.role is Role.RETURN:
                self.synchronises(node)
        self.memory()

    # ---- vocabulary

    def _new(self, name: str) -> Term:
        made = z3.Bool(name, ctx=self.context)
        self.choices.append(made)
        return made

    def before(self, a: Node, b: Node) -> Term:
        """Whether a happened before b."""
        return self.at[a] < self.at[b]

    def exists(self, node: Node) -> Term:
        """Whether the step is reached."""
        return self.answer_of[node.step.when] if node.step.when else self.true

    def called_before(self, a: Node, b: Node) -> Term:
        """Whether the host called for a before it called for b."""
        if a.thread == b.thread:
            return z3.BoolVal(a.place < b.place, ctx=self.context)
        first, second = self.calls[a.thread, a.place], self.calls[b.thread, b.place]
        return self.before(first, second)

    def happens_before(self, a: Node, b: Node, when: Term) -> None:
        """An edge of happens-before, where `when` holds and both are reached."""
        condition = z3.simplify(z3.And(when, self.exists(a), self.exists(b)))
        if not z3.is_false(condition):
            self.edges.append((a, b, condition))
            self.solver.add(z3.Implies(condition, self.before(a, b)))
            if not z3.is_true(condition):
                self.choices.append(condition)

    # ---- happens-before

    def program_order(self) -> None:
        """Calls of a thread in order; a work after its call; the end after everything."""
        host = [n for n in self.nodes if n.role is not Role.WORK]
        for a, b in combinations(host, 2):
            if a.thread == b.thread:
                self.happens_before(a, b, self.true)
        for work in self.works:
            self.happens_before(self.calls[work.thread, work.place], work, self.true)
        for node in self.nodes:
            self.happens_before(node, self.end, self.true)

    def stream_order(self) -> None:
        """Works of one stream, and of legacy and a blocking one, in the order of their calls."""
        for a, b in combinations(self.works, 2):
            if self.in_one_order(a, b):
                self.happens_before(a, b, self.called_before(a, b))
                self.happens_before(b, a, self.called_before(b, a))

    def in_one_order(self, a: Node, b: Node) -> bool:
        """Whether the works keep the order of their calls; the works of one call have none."""
        is_one_call = (a.thread, a.place) == (b.thread, b.place)
        related = a.stream == b.stream or self.program.fences(a.stream, b.stream)
        return related and not is_one_call

    def waits(self, call: Node) -> None:
        """A wait happens after what it is bound to when it is called."""
        waiting = next(w for w in self.works if (w.thread, w.place) == (call.thread, call.place))
        for work, when in self.bound(call, call.step.on):
            self.happens_before(work, waiting, when)

    def synchronises(self, node: Node) -> None:
        """A synchronisation returns after what it was bound to when it was called."""
        call = self.calls[node.thread, node.place]
        if node.step.verb is Verb.SYNC:
            waited = self.bound(call, node.step.on)
        else:
            own = (call.thread, call.place)
            waited = [(w, self.true) for w in self.works if (w.thread, w.place) == own]
        for work, when in waited:
            self.happens_before(work, node, when)

    def answers_truly(self, call: Node, answer: Term, asked: Bound) -> None:
        """Yes: all of it happened before. No: some of it happens after, which orders nothing."""
        late = []
        for work, when in asked:
            self.happens_before(work, call, z3.And(answer, when))
            late.append(z3.And(when, self.exists(work), self.before(call, work)))
        reached = self.exists(call)
        self.solver.add(z3.Implies(z3.And(reached, z3.Not(answer)), self._any(late)))

    def _any(self, terms: list[Term]) -> Term:
        return z3.Or(*terms) if terms else z3.BoolVal(False, ctx=self.context)

    # ---- what a name means

    def bound(self, call: Node, on: str) -> Bound:
        """The works that the name means at this call: a stream's, all, or a recording."""
        if on and on not in self.program.streams:
            return self.recording(call, on)
        works = [w for w in self.works if on in ("", w.stream)]
        return [(w, self.called_before(w, call)) for w in works]

    def recording(self, call: Node, name: str) -> Bound:
        """The record that the call reads from: the last to write the event before it, if any."""
        writers = [
            c
            for c in self.calls.values()
            if c is not call
            and c.step.verb in (Verb.RECORD, Verb.DESTROY)
            and name in (c.step.on, c.step.mark)
        ]
        found: Bound = []
        for writer in writers:
            is_last = z3.And(
                self.exists(writer),
                self.called_before(writer, call),
                *(
                    z3.Or(
                        z3.Not(self.exists(other)),
                        self.called_before(other, writer),
                        self.called_before(call, other),
                    )
                    for other in writers
                    if other is not writer
                ),
            )
            found += [
                (work, is_last)
                for work in self.works
                if (work.thread, work.place) == (writer.thread, writer.place)
                and writer.step.verb is Verb.RECORD
            ]
        return found

    # ---- memory

    def allocates(self, call: Node) -> None:
        """The freed block is given out again iff all recordings made at its free have completed."""
        place = free_before(self.program, call.step, call.thread, call.place)
        if place is None:
            return
        freed = self.calls[call.thread, place]
        awaited = [w for w in self.works if (w.thread, w.place) == (freed.thread, freed.place)]
        reused = self._new(f"reuse {call}")
        self.answers_truly(call, reused, [(work, self.true) for work in awaited])
        if not awaited:
            self.solver.add(reused)
        self.reuse[call.step.to] = (freed.step.to, reused)
        if awaited and space_of(freed.step.to) is not Space.DEVICE:
            self.accesses.append((call, freed.step.to, True, reused))

    def cells(self, name: str) -> list[tuple[str, Term]]:
        """The bytes that a place may be, with conditions that exclude each other."""
        if name not in self.reuse:
            return [(name, self.true)]
        block, reused = self.reuse[name]
        return [(block, reused), (name, z3.Not(reused))]

    def memory(self) -> None:
        """Each read has one write that it reads from, and no other write comes between."""
        for node in self.nodes:
            for name, writes in ((node.reads, False), (node.writes, True)):
                for cell, when in self.cells(name) if name else ():
                    reached = z3.And(self.exists(node), when)
                    self.accesses.append((node, cell, writes, reached))
        for node in self.nodes:
            if node.reads:
                self.values[node] = self.reads_from(node, node.reads)
        self.ends = [self.reads_from(self.end, name) for name in self.program.ends]

    def reads_from(self, node: Node, name: str) -> Term:
        """The value that is read, as a term; the choice of the write is the solver's."""
        value = z3.Int(f"value {node} {name}", ctx=self.context)
        for cell, when in self.cells(name):
            writes = [
                (n, met) for n, c, is_write, met in self.accesses if c == cell and is_write
                if n is not node
            ]  # fmt: skip
            start = dict(self.program.start).get(cell, 0)
            is_first = self._none_before(node, writes, but=None)
            self.solver.add(z3.Implies(z3.And(when, is_first), value == start))
            for writer, met in writes:
                latest = z3.And(
                    met,
                    self.before(writer, node),
                    self._none_before(node, writes, but=writer),
                )
                wrote = self.written(writer)
                self.solver.add(z3.Implies(z3.And(when, latest), value == wrote))
        return value

    def _none_before(self, node: Node, writes: list[tuple[Node, Term]], but: Node | None) -> Term:
        """No write comes between `but`, or the start, and the node."""
        return z3.And(
            self.true,
            *(
                z3.Or(
                    z3.Not(met),
                    self.before(node, other),
                    self.before(other, but) if but else z3.BoolVal(False, ctx=self.context),
                )
                for other, met in writes
                if other is not but
            ),
        )

    def written(self, writer: Node) -> Term:
        """The value that a write leaves."""
        source = writer.copies or (writer if writer.reads else None)
        if source is not None:
            return z3.Int(f"value {source} {source.reads}", ctx=self.context)
        is_poison = writer.step.verb is Verb.ALLOC
        return z3.IntVal(POISON if is_poison else writer.value, ctx=self.context)

    # ---- what is seen

    def seen(self) -> list[Term]:
        """The outcome, as terms."""
        terms = []
        for place, call in sorted(self.calls.items()):
            if call.step.verb is Verb.READ:
                terms.append(z3.If(self.exists(call), self.values[call], NOT_REACHED))
            elif call.step.verb is Verb.QUERY:
                asked = z3.If(self.answers[place], 1, z3.IntVal(0, ctx=self.context))
                terms.append(z3.If(self.exists(call), asked, NOT_REACHED))
        return [*terms, *self.ends]

    def has_race(self, model: Term) -> bool:
        """Whether two accesses of this execution are not ordered by happens-before."""
        reached = _closure([(a, b) for a, b, when in self.edges if _holds(model, when)])
        made = [(n, c, w) for n, c, w, when in self.accesses if _holds(model, when)]
        return any(
            cell == other and (writes or changes) and a is not b
            and b not in reached.get(a, ()) and a not in reached.get(b, ())
            for (a, cell, writes), (b, other, changes) in combinations(made, 2)
        )  # fmt: skip


def by_axioms(program: Program, axioms: type[Axioms] = Axioms) -> Seen:
    """All outcomes of all executions that the axioms allow, and whether one of them has a race."""
    stated = axioms(program)
    terms = stated.seen()
    outcomes: set[Outcome] = set()
    is_racy = False
    for _ in range(MODELS_MAX):
        if stated.solver.check() != z3.sat:
            done = stated.solver.check() == z3.unsat
            return Seen(frozenset(outcomes), is_racy, done)
        model = stated.solver.model()
        values = [model.eval(term, model_completion=True) for term in terms]
        outcomes.add(tuple(value.as_long() for value in values))
        is_racy = is_racy or stated.has_race(model)
        chosen = [(c, model.eval(c, model_completion=True)) for c in stated.choices]
        differs = [term != value for term, value in zip(terms, values, strict=True)]
        differs += [choice != value for choice, value in chosen]
        if not differs:
            return Seen(frozenset(outcomes), is_racy, True)
        stated.solver.add(z3.Or(*differs))
    return Seen(frozenset(outcomes), is_racy, False)


def _holds(model: Term, term: Term) -> bool:
    return bool(z3.is_true(model.eval(term, model_completion=True)))


def _closure(edges: list[tuple[Node, Node]]) -> dict[Node, set[Node]]:
    after: dict[Node, set[Node]] = {}
    for a, b in edges:
        after.setdefault(a, set()).add(b)
    changed = True
    while changed:
        changed = False
        for reached in after.values():
            more = set().union(*(after.get(node, set()) for node in reached)) - reached
            if more:
                reached |= more
                changed = True
    return after

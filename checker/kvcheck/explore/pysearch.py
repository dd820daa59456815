"""Breadth-first search in plain Python: the first seconds of every search, and the fallback.

It decides what is reachable within its budget; it confirms nothing and builds no report. Each
level is expanded in the order of its states as tuples, so that the first to reach a state is its
least predecessor: chains are then the same as the compiled engine's.
"""

from __future__ import annotations

from collections.abc import Callable

from kvcheck.explore.claim import Claim, Searched, Tally
from kvcheck.explore.options import AfterViolation, Deadlock, Options
from kvcheck.explore.pygen import Failure, PyModel
from kvcheck.explore.result import Stopped
from kvcheck.explore.sites import Sites
from kvcheck.trace.path import FindingKind
from kvspec.lang.state import State

Yield = Callable[[Tally, int], Stopped | str | None]
"""Asked now and then, with the queue's length: None to go on, else why to stop."""

GIVE_WAY = "give way"
BATCH = 256
BYTES_A_STATE = 1024  # a rough figure: tuples, dict entry and parent

_Key = tuple[FindingKind, int]
_Candidate = tuple[State, int, int]  # state, combination, site: the least one is kept


class PySearch:
    """One breadth-first search over a generated model."""

    def __init__(
        self,
        code: PyModel,
        sites: Sites,
        options: Options,
        starts: list[State],
        *,
        ask: Yield,
        canonical: Callable[[State], State] | None,
    ) -> None:
        self.code, self.options, self.ask, self.canonical = code, options, ask, canonical
        self.parents: dict[State, State | None] = {}
        self.tally = Tally(enabled=[0] * len(code.actions), counts=[0] * (2 * len(sites.requires)))
        self.pending: dict[_Key, _Candidate] = {}
        self.claims: dict[_Key, Claim] = {}
        self.goals_open = set(range(len(sites.goals)))
        level = sorted({canonical(s) for s in starts} if canonical else set(starts))
        for state in level:
            self.parents[state] = None
            self._observe(state)
        self.level = level

    def run(self) -> Searched:
        """Search until everything is found, a limit is reached, or `ask` says to stop."""
        depth_max = self.options.depth_max
        self.tally.levels.append(len(self.level))
        self._settle()
        stopped: Stopped | None = Stopped.COMPLETE
        reason: Stopped | str | None
        while self.level:
            if self._violated() and self.options.after_violation is AfterViolation.STOP:
                stopped = Stopped.VIOLATION
                break
            if depth_max is not None and len(self.tally.levels) > depth_max:
                stopped = Stopped.DEPTH
                break
            try:
                reason = self._expand_level()
            except KeyboardInterrupt:
                reason = Stopped.INTERRUPTED
            if reason:
                stopped = reason if isinstance(reason, Stopped) else None
                break
        self.tally.states = len(self.parents)
        self.tally.bytes_used = BYTES_A_STATE * len(self.parents)
        claims = self.claims.values()
        return Searched(
            self.tally,
            stopped,
            tuple(c for c in claims if c.kind is not FindingKind.GOAL),
            tuple(c for c in claims if c.kind is FindingKind.GOAL),
        )

    def _violated(self) -> bool:
        return any(kind is not FindingKind.GOAL for kind, _ in self.claims)

    def _expand_level(self) -> Stopped | str | None:
        """Expand the current level into the next; on the way out everything is accounted for."""
        reached: list[State] = []
        reason: Stopped | str | None = None
        for number, state in enumerate(self.level):
            if number % BATCH == 0:
                self.tally.states = len(self.parents)
                reason = self.ask(self.tally, len(self.level) - number)
                if reason == GIVE_WAY and self.pending:
                    reason = None
                if reason:
                    break
            self._expand(state, reached)
        self._settle()
        if reached and not reason:
            self.tally.levels.append(len(reached))
        self.level = sorted(reached)
        return reason

    def _expand(self, state: State, reached: list[State]) -> None:
        successors: list[State] = []
        failures: list[Failure] = []
        tally = self.tally
        for number, successors_of in enumerate(self.code.actions):
            before = len(successors) + len(failures)
            known = len(failures)
            successors_of(state, successors, failures, tally.counts)
            tally.enabled[number] += len(successors) + len(failures) - before
            for combination, site in failures[known:]:
                self._note(FindingKind.ASSERTION, number, (state, combination, site))
        tally.expanded += 1
        tally.transitions += len(successors)
        stuck = not successors and not failures and self.options.deadlock is Deadlock.REPORT
        if stuck and not self.code.check_terminals(state):
            self._note(FindingKind.DEADLOCK, 0, (state, 0, 0))
        parents, canonical = self.parents, self.canonical
        for after in successors:
            if canonical:
                after = canonical(after)
            if after not in parents:
                parents[after] = state
                reached.append(after)
                self._observe(after)

    def _observe(self, state: State) -> None:
        for number in self.code.check_invariants(state):
            self._note(FindingKind.INVARIANT, number, (state, 0, 0))
        if self.goals_open:
            for number in self.code.check_goals(state):
                if number in self.goals_open:
                    self._note(FindingKind.GOAL, number, (state, 0, 0))

    def _note(self, kind: FindingKind, number: int, candidate: _Candidate) -> None:
        key = (kind, number)
        if key not in self.claims:
            held = self.pending.get(key)
            if held is None or candidate < held:
                self.pending[key] = candidate

    def _settle(self) -> None:
        """Make claims of the least candidates of the level just finished."""
        for (kind, number), (state, combination, site) in self.pending.items():
            claim = Claim(kind, number, self._chain(state), combination, site)
            self.claims[kind, number] = claim
            if kind is FindingKind.GOAL:
                self.goals_open.discard(number)
        self.pending.clear()

    def _chain(self, state: State) -> tuple[State, ...]:
        chain = [state]
        while (before := self.parents[chain[-1]]) is not None:
            chain.append(before)
        return tuple(reversed(chain))

"""Driving the compiled engine: levels are searched in C, decisions and chains are made here.

It decides when to stop and which claims to make; it confirms nothing. The search runs in a thread
of its own (ctypes lets go of the interpreter lock), so that time, progress and Ctrl-C are seen.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from pathlib import Path

from kvcheck.explore.claim import Claim, Searched, Tally
from kvcheck.explore.host import cores, memory_for_search
from kvcheck.explore.layout import Layout, Words
from kvcheck.explore.options import AfterViolation, Deadlock, Options
from kvcheck.explore.result import Stopped
from kvcheck.explore.sites import Sites
from kvcheck.trace.path import FindingKind
from kvspec.lang.state import State

Ask = Callable[[Tally, int], Stopped | None]

_KINDS = (FindingKind.INVARIANT, FindingKind.ASSERTION, FindingKind.DEADLOCK, FindingKind.GOAL)
_SEEN_WHEN_NEW = (FindingKind.INVARIANT, FindingKind.GOAL)
_COMPLETE, _NEWS, _STATES, _MEMORY, _DEPTH, _STOP, _NO_MEMORY = range(1, 8)
_REASONS = {
    _COMPLETE: Stopped.COMPLETE,
    _STATES: Stopped.STATES,
    _MEMORY: Stopped.MEMORY,
    _DEPTH: Stopped.DEPTH,
    _NO_MEMORY: Stopped.MEMORY,
}
_U64 = ctypes.c_uint64
_POLL_SECONDS = 0.02


class CSearch:
    """One breadth-first search in a compiled library."""

    def __init__(self, library: Path, layout: Layout, sites: Sites, options: Options) -> None:
        self.layout, self.sites, self.options = layout, sites, options
        self.threads = options.threads or cores()
        self.code = ctypes.CDLL(str(library))
        self.code.search_new.restype = ctypes.c_void_p
        self.code.search_levels.restype = _U64
        depth_max = options.depth_max if options.depth_max is not None else 2**63
        memory_max = options.memory_max_bytes or memory_for_search()
        self.handle = ctypes.c_void_p(
            self.code.search_new(
                _U64(self.threads),
                _U64(options.states_max),
                _U64(depth_max),
                _U64(memory_max),
                ctypes.c_uint32(options.deadlock is Deadlock.REPORT),
            )
        )
        if not self.handle:
            raise MemoryError("the compiled engine could not reserve memory")
        self.claims: list[Claim] = []

    def run(self, starts: list[State], ask: Ask) -> Searched:
        """Search from the initial states until there is a reason to stop."""
        words = self._array([self.layout.pack(s) for s in starts])
        status = self.code.search_start(self.handle, words, _U64(len(starts)))
        stopped: Stopped | None = None
        while stopped is None:
            if status == _NEWS:
                violated = self._claim_news(len(self._levels()) - 1)
                if violated and self.options.after_violation is AfterViolation.STOP:
                    stopped = Stopped.VIOLATION if self._levels()[-1] else Stopped.COMPLETE
                    break
            status, asked = self._run_watched(ask)
            if status == _STOP:
                stopped = asked or Stopped.INTERRUPTED
            elif status != _NEWS:
                stopped = _REASONS[status]
        self._claim_news(len(self._levels()))  # of a level that was not finished
        claims = self.claims
        return Searched(
            self._tally(),
            stopped,
            tuple(c for c in claims if c.kind is not FindingKind.GOAL),
            tuple(c for c in claims if c.kind is FindingKind.GOAL),
            self.threads,
        )

    def close(self) -> None:
        """Give the memory back."""
        self.code.search_free(self.handle)

    def level_states(self, level: int) -> list[State]:
        """The states of a finished level, in no order."""
        count = self._levels()[level]
        words = (_U64 * (count * self.layout.words))()
        self.code.search_level_states(self.handle, _U64(level), words)
        return [self.layout.unpack(w) for w in self._rows(words, count)]

    # ---- running

    def _run_watched(self, ask: Ask) -> tuple[int, Stopped | None]:
        status: list[int] = []
        worker = threading.Thread(
            target=lambda: status.append(self.code.search_run(self.handle)), daemon=True
        )
        asked: Stopped | None = None
        worker.start()
        try:
            worker.join(_POLL_SECONDS / 10)
            while worker.is_alive():
                asked = ask(*self._now())
                if asked:
                    self.code.search_stop(self.handle)
                    worker.join()
                    break
                worker.join(_POLL_SECONDS)
        except KeyboardInterrupt:
            asked = Stopped.INTERRUPTED
            self.code.search_stop(self.handle)
            worker.join()
        return status[0], asked

    def _numbers(self) -> list[int]:
        numbers = (_U64 * 6)()
        self.code.search_numbers(self.handle, numbers)
        return list(numbers)

    def _now(self) -> tuple[Tally, int]:
        states, transitions, queue, depth, _, expanded = self._numbers()
        return Tally(states, transitions, expanded, [0] * (depth + 1)), queue

    def _levels(self) -> list[int]:
        count = self.code.search_levels(self.handle, None, _U64(0))
        levels = (_U64 * count)()
        self.code.search_levels(self.handle, levels, _U64(count))
        return list(levels)

    def _tally(self) -> Tally:
        states, transitions, _, _, used, expanded = self._numbers()
        enabled = (_U64 * len(self.layout.model.actions))()
        counts = (_U64 * (2 * len(self.sites.requires)))()
        self.code.search_counts(self.handle, enabled, counts)
        levels = self._levels()
        while levels and not levels[-1]:
            levels.pop()
        return Tally(states, transitions, expanded, levels, list(enabled), list(counts), used)

    # ---- claims

    def _claim_news(self, newest: int) -> bool:
        """Make claims of what the newest level brought; whether one of them is a violation."""
        words, found = self.layout.words, []
        out = (_U64 * (words + 2))()
        sizes = (
            len(self.sites.invariants),
            len(self.layout.model.actions),
            1,
            len(self.sites.goals),
        )
        for kind, size in enumerate(sizes):
            for number in range(size):
                if self.code.search_claim(self.handle, _U64(kind), _U64(number), out):
                    found.append((_KINDS[kind], number, tuple(out)))
        if not found:
            return False
        ends = [
            (values[:words], newest if kind in _SEEN_WHEN_NEW else newest - 1)
            for kind, _, values in found
        ]
        chains = self._chains(ends)
        for (sort, number, values), chain in zip(found, chains, strict=True):
            self.claims.append(Claim(sort, number, chain, values[words], values[words + 1]))
        return any(kind is not FindingKind.GOAL for kind, _, _ in found)

    def _chains(self, ends: list[tuple[Words, int]]) -> list[tuple[State, ...]]:
        """For each (state, level) its chain of least predecessors from level 0."""
        chains = [[words] for words, _ in ends]
        top = max(level for _, level in ends)
        for level in range(top, 0, -1):
            wanted = [k for k, (_, at) in enumerate(ends) if at >= level]
            before = (_U64 * (len(wanted) * self.layout.words))()
            targets = self._array([chains[k][-1] for k in wanted])
            done = self.code.search_before(
                self.handle, _U64(level - 1), _U64(len(wanted)), targets, before
            )
            if not done:
                raise MemoryError("the run that leads to a state could not be rebuilt")
            for k, words in zip(wanted, self._rows(before, len(wanted)), strict=True):
                chains[k].append(words)
        return [tuple(self.layout.unpack(w) for w in reversed(chain)) for chain in chains]

    def _array(self, rows: list[Words]) -> ctypes.Array[ctypes.c_uint64]:
        flat = [word for row in rows for word in row]
        return (_U64 * len(flat))(*flat)

    def _rows(self, flat: ctypes.Array[ctypes.c_uint64], count: int) -> list[Words]:
        size = self.layout.words
        return [tuple(flat[k * size : (k + 1) * size]) for k in range(count)]

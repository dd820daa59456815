"""The explicit search: Python at once, the compiled engine when it is ready, one result.

It decides what a run amounts to; `race` runs the engines, `claim` confirms what they say.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from kvcheck.explore.claim import Claim, Tally, found_of
from kvcheck.explore.interchange import WITNESS, interchange_of, with_witness_checks
from kvcheck.explore.options import (
    AfterViolation,
    Coverage,
    Deadlock,
    Options,
    Progress,
    Symmetry,
)
from kvcheck.explore.race import Run, Task, run
from kvcheck.explore.result import (
    ActionCount,
    ConjunctCount,
    ExploreResult,
    Found,
    Stopped,
)
from kvcheck.explore.sites import Sites, combinations, sites_of
from kvcheck.explore.symmetry import Symmetry as Reduction
from kvcheck.trace.path import FindingKind
from kvspec.lang.concrete import initial_states
from kvspec.lang.ir import Model

_ORDER = list(FindingKind)


class Watch:
    """What interrupts a search: time, the states' limit, the caller; and what it reports."""

    def __init__(
        self,
        options: Options,
        progress: Callable[[Progress], None] | None,
        interrupted: Callable[[], bool] | None,
    ) -> None:
        self.options, self.progress, self.interrupted = options, progress, interrupted
        self.started = self.told = options.clock()

    def seconds(self) -> float:
        """Since the search began."""
        return self.options.clock() - self.started

    def ask(self, engine: str, tally: Tally, queue: int) -> Stopped | None:
        """Report if it is time to; why to stop, if there is a reason."""
        options = self.options
        if self.interrupted and self.interrupted():
            return Stopped.INTERRUPTED
        now = options.clock()
        if self.progress and now - self.told >= options.progress_seconds:
            self.told = now
            depth = max(0, len(tally.levels) - 1)
            self.progress(
                Progress(engine, tally.states, tally.transitions, queue, depth, now - self.started)
            )
        if options.states_max and tally.states >= options.states_max:
            return Stopped.STATES
        if options.seconds_max is not None and now - self.started >= options.seconds_max:
            return Stopped.SECONDS
        return None


def explore(
    model: Model,
    options: Options | None = None,
    *,
    progress: Callable[[Progress], None] | None = None,
    interrupted: Callable[[], bool] | None = None,
) -> ExploreResult:
    """Search the model's states breadth-first; every finding was confirmed concretely.

    `interrupted` is asked often; a KeyboardInterrupt is taken the same way, so that what was found
    until then is kept. Raises `LayoutError` where states are too large, `NotReproduced` where the
    tool contradicts itself, ValueError where `init` fails.
    """
    options = options or Options()
    watch = Watch(options, progress, interrupted)
    cpu = time.process_time()
    task, note = _task(model, options)
    ran = run(task, watch.ask)
    if task.symmetry and _witness_failed(task, ran):
        note = "next() has several witnesses somewhere, so that ids are not interchangeable"
        task = _plain_task(model, options)
        ran = run(task, watch.ask)
    return _result(
        model,
        task,
        ran,
        symmetry_note=note,
        seconds=watch.seconds(),
        cpu_seconds=time.process_time() - cpu,
    )


def _plain_task(model: Model, options: Options) -> Task:
    return Task(model, sites_of(model), options, list(initial_states(model)), None)


def _task(model: Model, options: Options) -> tuple[Task, str]:
    """What to search; and why without symmetry, if that was asked for."""
    if options.symmetry is Symmetry.OFF:
        return _plain_task(model, options), ""
    interchange = interchange_of(model)
    if not interchange.classes:
        why = "; ".join(f"{sort}: {reason}" for sort, reason in interchange.ruled_out.items())
        return _plain_task(model, options), why or "no sort is interchangeable"
    checked = with_witness_checks(model, interchange)
    # a failing witness check must not go unseen behind another failure of its action
    options = replace(options, after_violation=AfterViolation.STOP)
    starts = list(initial_states(model))
    reduction = Reduction(checked, interchange)
    return Task(checked, sites_of(checked), options, starts, reduction), ""


def _witness_failed(task: Task, ran: Run) -> bool:
    return any(
        claim.kind is FindingKind.ASSERTION and task.sites.checks[claim.site][1].message == WITNESS
        for claim in ran.searched.violations
    )


def _result(
    model: Model,
    task: Task,
    ran: Run,
    *,
    symmetry_note: str,
    seconds: float,
    cpu_seconds: float,
) -> ExploreResult:
    searched, tally = ran.searched, ran.searched.tally
    sites, options = task.sites, task.options
    assert searched.stopped is not None

    def confirmed(claims: tuple[Claim, ...]) -> tuple[Found, ...]:
        return tuple(found_of(model, sites, task.symmetry, c) for c in sorted(claims, key=_rank))

    witnesses = confirmed(searched.goals)
    reached = {w.finding.name for w in witnesses}
    return ExploreResult(
        model=model,
        states=tally.states,
        transitions=tally.transitions,
        depth=max(0, len(tally.levels) - 1),
        levels=tuple(tally.levels),
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        bytes_per_state=tally.bytes_used / max(1, tally.states),
        engine=ran.engine,
        engine_note=ran.note,
        threads=searched.threads,
        symmetry=task.symmetry is not None,
        symmetry_note=symmetry_note,
        stopped=searched.stopped,
        findings=confirmed(searched.violations),
        witnesses=witnesses,
        goals_unreached=tuple(p.name for p in sites.goals if p.name not in reached),
        actions=tuple(_action_counts(model, tally)),
        conjuncts=tuple(_conjunct_counts(model, sites, options, tally)),
        deadlock_checked=options.deadlock is Deadlock.REPORT,
    )


def _rank(claim: Claim) -> tuple[int, int, int]:
    """Shortest first; then invariant, assertion, deadlock; then as declared."""
    moves = len(claim.chain) + (claim.kind is FindingKind.ASSERTION)
    return moves, _ORDER.index(claim.kind), claim.number


def _action_counts(model: Model, tally: Tally) -> list[ActionCount]:
    return [
        ActionCount(action.name, enabled, tally.expanded * combinations(action) - enabled)
        for action, enabled in zip(model.actions, tally.enabled, strict=True)
    ]


def _conjunct_counts(
    model: Model, sites: Sites, options: Options, tally: Tally
) -> list[ConjunctCount]:
    if options.coverage is Coverage.OFF:
        return []
    counts = []
    for site, (number, require) in enumerate(sites.requires):
        action = model.actions[number]
        true, false = tally.counts[2 * site : 2 * site + 2]
        missed = max(0, tally.expanded * combinations(action) - true - false)
        counts.append(ConjunctCount(action.name, require, true, false, missed))
    return counts

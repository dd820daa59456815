"""The seam to the proof engines: a target in, one verdict an obligation and records out.

It decides the order (every size first, then explicit search for what is open, then the stated size
where the search found no violation) and which answer speaks for an obligation: the strongest that
holds. A counterexample to induction stays one until the search finds a real run.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum
from types import FrameType

from kvcheck.cli.accounts import is_enough
from kvcheck.cli.choose import Target
from kvcheck.cli.faults import Fault
from kvcheck.cli.progress import Ticker
from kvcheck.cli.searching import Search, now, record_of, search, unreproduced
from kvcheck.explore import Options as SearchOptions
from kvcheck.explore.result import bound_text
from kvcheck.solve.answer import Answer
from kvcheck.solve.engines import EverySize, InductionEngine, StatedSize
from kvcheck.solve.obligations import proof_plan
from kvcheck.solve.options import SolveOptions
from kvcheck.solve.proof_cache import ProofCache
from kvcheck.solve.prove import ProveOptions, ProveResult, prove
from kvcheck.solve.vacuity import check_for_vacuity
from kvcheck.trace.path import NotReproduced
from kvcheck.trace.record import RunRecord
from kvcheck.verdict import Evidence, Exit, ObligationResult, Outcome, Verdict
from kvspec.lang.ir import Model, Strength

SEARCH_SECONDS_MAX = 30.0
EVERY_SIZE_SECONDS_MAX = 8.0
QUERY_SECONDS_MAX = 60.0
IN_THE_TYPES = "the types"
ENOUGH = {
    Strength.EVERY_SIZE: Evidence.PROVED,
    Strength.STATED_SIZE: Evidence.PROVED_AT_SIZE,
    Strength.SEARCH: Evidence.EXHAUSTED,
}


class Reach(Enum):
    """Which proofs to try: every size and then the stated one, or only one of them."""

    BEST = "best"
    EVERY_SIZE = "every size"
    STATED_SIZE = "stated size"


class Ending(Enum):
    """Why a proof ended."""

    COMPLETE = "complete"
    INTERRUPTED = "interrupted"
    OUT_OF_TIME = "out of time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How to prove: `deadline` on the command line's clock, or None."""

    reach: Reach = Reach.BEST
    jobs: int = 0
    seed: int = 0
    audit_hits: int = 0
    deadline: float | None = None

    def seconds_left(self) -> float | None:
        """Until the deadline, at least 0."""
        return None if self.deadline is None else max(0.0, self.deadline - now())


@dataclass(frozen=True, slots=True)
class Proof:
    """What was established of one target."""

    target: Target
    model: Model
    results: tuple[ObligationResult, ...]
    required: tuple[tuple[str, Evidence], ...]
    records: tuple[RunRecord, ...]
    notes: tuple[str, ...]
    ending: Ending
    seconds: float
    solved: int
    from_cache: int

    @property
    def expected(self) -> tuple[str, ...]:
        """The ids of every obligation that there is."""
        return tuple(name for name, _ in self.required)


def prove_target(
    target: Target, effort: Effort, *, cache: ProofCache | None, ticker: Ticker
) -> Proof:
    """Prove what can be proved of the target within the effort."""
    begun, model = now(), target.model()
    work = _Work(target, model, effort, cache, ticker)
    if effort.reach is not Reach.STATED_SIZE:
        work.induct(Reach.EVERY_SIZE)
    if effort.reach is Reach.BEST and work.is_open():
        work.search()
    if effort.reach is not Reach.EVERY_SIZE and work.is_open() and not work.is_violated():
        work.induct(Reach.STATED_SIZE)
    if effort.reach is not Reach.EVERY_SIZE and work.ending is Ending.COMPLETE:
        work.ask_for_meaning()
    return Proof(
        target=target,
        model=model,
        results=work.settled(),
        required=_required(target, model, effort.reach),
        records=work.records(),
        notes=work.notes(),
        ending=work.ending,
        seconds=now() - begun,
        solved=sum(part.solved for part in work.parts),
        from_cache=sum(part.from_cache for part in work.parts),
    )


class _Work:
    """The stages of one proof, and the best answer so far for each obligation."""

    def __init__(
        self, target: Target, model: Model, effort: Effort, cache: ProofCache | None, ticker: Ticker
    ) -> None:
        self.target, self.model, self.effort = target, model, effort
        self.cache, self.ticker = cache, ticker
        self.parts: list[ProveResult] = []
        self.found: Search | None = None
        self.ending = Ending.COMPLETE
        self.results: dict[str, ObligationResult] = {}
        self.vacuous: tuple[str, ...] = ()

    def is_open(self) -> bool:
        """Whether there is something left to do, and time to do it."""
        return self.ending is Ending.COMPLETE and (
            not self.results or not _all_hold(self.results.values())
        )

    def is_violated(self) -> bool:
        """Whether a real run breaks something."""
        return self.found is not None and bool(self.found.records)

    def induct(self, reach: Reach) -> None:
        """Induction by one engine; each obligation keeps its strongest answer."""
        options = SolveOptions(seed=self.effort.seed, timeout_seconds=query_seconds(self.effort))
        engine: InductionEngine = StatedSize(options, now)
        if reach is Reach.EVERY_SIZE:
            seconds = min(EVERY_SIZE_SECONDS_MAX, options.timeout_seconds)
            engine = EverySize(replace(options, timeout_seconds=seconds))
        total = len(proof_plan(self.model).to_prove)
        observe = _observer(self.target, reach, total, self.ticker)
        part, self.ending = _one_stage(
            self.target, self.model, engine, self.effort, self.cache, observe
        )
        self.ticker.done()
        if part is None:
            return
        self.parts.append(part)
        for result in part.obligations:
            self.results[result.id] = _stronger(self.results.get(result.id), result)

    def search(self) -> None:
        """Explicit search at the stated size: most bugs are a few steps deep."""
        left = self.effort.seconds_left()
        seconds = SEARCH_SECONDS_MAX if left is None else min(SEARCH_SECONDS_MAX, left)
        options = SearchOptions(seconds_max=seconds, threads=self.effort.jobs)
        self.found = search(self.target, options, self.ticker)
        if self.found.is_interrupted:
            self.ending = Ending.INTERRUPTED

    def settled(self) -> tuple[ObligationResult, ...]:
        """Every answer, what is open as the search settles it."""
        named = [_at_target(self.target, self.model, result) for result in self.results.values()]
        if self.ending is Ending.OUT_OF_TIME:
            named = [_out_of_time(result) for result in named]
        if self.found is None:
            return tuple(named)
        return tuple(_with_search(self.found, result, self.model) for result in named)

    def records(self) -> tuple[RunRecord, ...]:
        """Real runs where there are any, else the steps that induction stumbled over."""
        if self.found is not None and self.found.records:
            return self.found.records
        broken = self.parts[-1].broken if self.parts else ()
        return tuple(record_of(self.target, self.model, b.finding, "prove") for b in broken)

    def notes(self) -> tuple[str, ...]:
        """Warnings, then faults of the tool."""
        warnings = tuple(w for part in self.parts for w in part.warnings)
        faults = (f for part in self.parts for f in part.faults)
        told = (f"tool fault at {f.obligation.id}: {f.message}" for f in faults)
        return (*warnings, *told, *self.vacuous)

    def ask_for_meaning(self) -> None:
        """Whether the proofs are about something: what is not is noted, or leaves it open."""
        left = self.effort.seconds_left()
        if left is not None and left <= 0:
            return
        options = SolveOptions(seed=self.effort.seed, timeout_seconds=query_seconds(self.effort))
        jobs = self.effort.jobs or usable_cores()
        meaning = check_for_vacuity(self.model, options, clock=now, jobs=jobs, cache=self.cache)
        if meaning.interrupted:
            self.ending = Ending.INTERRUPTED
        for result in meaning.obligations:
            self._enter_meaning(result)

    def _enter_meaning(self, result: ObligationResult) -> None:
        _, _, place, subject = result.id.split("/", 3)
        verdict = result.verdict
        if verdict.outcome is Outcome.VIOLATED:
            what = f"{place}/{subject}: {verdict.reason}"
            self.vacuous += (f"at {self.target.size_text}: {what}",)
            if place == IN_THE_TYPES:  # perhaps only so small that it is trivial
                return
            verdict = Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, verdict.bound, what)
        self.results[result.id] = replace(result, verdict=verdict)


def query_seconds(effort: Effort) -> float:
    """The time that one question may take."""
    left = effort.seconds_left()
    return QUERY_SECONDS_MAX if left is None else max(1.0, min(QUERY_SECONDS_MAX, left))


def _one_stage(
    target: Target,
    model: Model,
    engine: InductionEngine,
    effort: Effort,
    cache: ProofCache | None,
    observe: Callable[[Answer], None],
) -> tuple[ProveResult | None, Ending]:
    options = ProveOptions(jobs=effort.jobs or usable_cores(), audit_hits=effort.audit_hits)
    result = None
    with alarm(effort.seconds_left()) as clock:
        try:
            result = prove(model, engine, options, clock=now, cache=cache, observe=observe)
        except NotReproduced as error:
            raise unreproduced(target, error) from error
        except KeyboardInterrupt:
            if not clock.has_rung:
                raise
    if result is not None and not result.interrupted:
        return result, Ending.COMPLETE
    return result, Ending.OUT_OF_TIME if clock.has_rung else Ending.INTERRUPTED


def _observer(target: Target, reach: Reach, total: int, ticker: Ticker) -> Callable[[Answer], None]:
    done: list[str] = []

    def observe(answer: Answer) -> None:
        done.append(answer.obligation.id)
        ticker.tell(
            {
                "proving": target.name,
                "for": reach.value,
                "done": len(done),
                "obligations": total,
                "now": f"{answer.obligation.action}/{answer.obligation.subject}",
            }
        )

    return observe


def usable_cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Alarm:
    """Whether the time is up."""

    def __init__(self) -> None:
        self.has_rung = False

    def ring(self, _number: int, _frame: FrameType | None) -> None:
        self.has_rung = True
        raise KeyboardInterrupt


@contextmanager
def alarm(seconds: float | None) -> Iterator[Alarm]:
    """Interrupt what is within after this time, as Ctrl-C would, and remember that it was time."""
    clock = Alarm()
    if seconds is None or not hasattr(signal, "setitimer"):
        yield clock
        return
    before = signal.signal(signal.SIGALRM, clock.ring)
    signal.setitimer(signal.ITIMER_REAL, max(0.001, seconds))
    try:
        yield clock
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# ---- which answer speaks -------------------------------------------------------------------------


def expected_of(target: Target) -> tuple[str, ...]:
    """The ids of what would have to be proved of the target."""
    return tuple(name for name, _ in _required(target, target.model(), Reach.BEST))


def _required(target: Target, model: Model, reach: Reach) -> tuple[tuple[str, Evidence], ...]:
    """What each obligation needs; asking for the stated size only lowers what needs every size."""
    wanted = {p.name: ENOUGH[p.strength] for p in model.properties}
    plan = proof_plan(model)
    found = []
    for goal in (*plan.to_prove, *plan.by_framing):
        evidence = wanted.get(goal.subject, Evidence.PROVED_AT_SIZE)
        if reach is Reach.STATED_SIZE and evidence is Evidence.PROVED:
            evidence = Evidence.PROVED_AT_SIZE
        found.append((_renamed(target, goal.id), evidence))
    return tuple(found)


def _renamed(target: Target, identifier: str) -> str:
    return f"{target.name}/{identifier.partition('/')[2]}"


def _all_hold(results: Iterable[ObligationResult]) -> bool:
    return all(result.verdict.outcome is Outcome.HOLDS for result in results)


def _stronger(old: ObligationResult | None, new: ObligationResult) -> ObligationResult:
    """The one that holds, by the stronger evidence; else the newer, which knows more."""
    if old is None or old.verdict.outcome is not Outcome.HOLDS:
        return new
    if new.verdict.outcome is not Outcome.HOLDS:
        return old
    return old if is_enough(old.verdict, new.verdict.evidence) else new


def _at_target(target: Target, model: Model, result: ObligationResult) -> ObligationResult:
    bound = result.verdict.bound.replace(bound_text(model), target.size_text)
    verdict = replace(result.verdict, bound=bound)
    return replace(result, id=_renamed(target, result.id), verdict=verdict)


def _out_of_time(result: ObligationResult) -> ObligationResult:
    """What was not run for want of time says so, and not that somebody interrupted it."""
    if result.verdict.outcome is not Outcome.NOT_RUN:
        return result
    return replace(result, verdict=replace(result.verdict, reason="the time was up"))


def _with_search(found: Search, result: ObligationResult, model: Model) -> ObligationResult:
    """An open obligation as the search of the same sizes settles it, if it does."""
    if result.verdict.outcome is Outcome.HOLDS:
        return result
    _, engine, action, subject = result.id.split("/", 3)
    if engine != "induction":
        return result
    is_property = any(prop.name == subject for prop in model.properties)
    wanted = f"any/{subject}" if is_property else f"{action}/assertions"
    match = [o for o in found.obligations if o.id.split("/", 2)[2] == wanted]
    if not match:
        return result
    verdict = match[0].verdict
    if verdict.outcome is Outcome.VIOLATED:
        culprit = _culprit(found, action if not is_property else subject)
        if action != culprit:
            why = f"{subject} is broken by {culprit}"
            verdict = Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, verdict.bound, why)
        return replace(result, verdict=verdict, counterexample_to_induction=False)
    if verdict.outcome is Outcome.HOLDS:
        why = "not inductive: a lemma is missing" if result.counterexample_to_induction else ""
        exhausted = Verdict(Outcome.HOLDS, verdict.evidence, verdict.bound, why)
        return replace(result, verdict=exhausted, counterexample_to_induction=False)
    return result


def _culprit(found: Search, name: str) -> str:
    """The action that breaks it in the run that was found; `init` where no step is needed."""
    paths = [one.finding.path for one in found.result.findings if one.finding.name == name]
    moves = paths[0].moves if paths else ()
    return moves[-1].action if moves else found.result.model.init.name


def raise_faults(proof: Proof) -> None:
    """End with the tool's own code where an engine failed: never a pass, never a violation."""
    faults = [note for note in proof.notes if note.startswith("tool fault")]
    if faults:
        raise Fault(
            f"{proof.target.name}: {faults[0]}.",
            cause="An engine crashed or contradicted itself, which is a fault of kvproof.",
            mend="Please report it; run with --no-cache to see whether it stays.",
            code=Exit.TOOL_FAULT,
        )

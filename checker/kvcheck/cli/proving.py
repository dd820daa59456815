"""The seam to the proof engines: a target in, one verdict an obligation and records out.

It decides the order: every size first, then explicit search for what is open, then, where the
search found no violation, the stated size, k-induction and bounded checking. Which answer then
speaks for an obligation is decided in `answers`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kvcheck.cli.accounts import is_enough
from kvcheck.cli.answers import (
    all_hold,
    at_target,
    contradicted,
    holds,
    out_of_time,
    required,
    stronger,
    with_search,
)
from kvcheck.cli.choose import Target
from kvcheck.cli.effort import (
    Effort,
    Ending,
    Proof,
    Reach,
    alarm,
    query_seconds,
    usable_cores,
)
from kvcheck.cli.faults import Fault
from kvcheck.cli.progress import Ticker
from kvcheck.cli.searching import Search, check_width, now, record_of, search, unreproduced
from kvcheck.explore import Options as SearchOptions
from kvcheck.solve.answer import Answer
from kvcheck.solve.engines import EverySize, InductionEngine, StatedSize
from kvcheck.solve.obligations import inductive_properties, proof_plan
from kvcheck.solve.options import SolveOptions
from kvcheck.solve.pdr import PdrOptions
from kvcheck.solve.pdr_stage import Pdr
from kvcheck.solve.proof_cache import ProofCache
from kvcheck.solve.prove import ProveOptions, ProveResult, prove
from kvcheck.solve.stages import Bounded, KInduction
from kvcheck.solve.strategy import Stage
from kvcheck.solve.vacuity import VacuityResult, check_for_vacuity
from kvcheck.trace.path import Finding, NotReproduced
from kvcheck.trace.record import RunRecord
from kvcheck.verdict import Evidence, Exit, ObligationResult, Outcome, Verdict
from kvspec.lang.ir import Model

K_MAX = 3
DEPTH_MAX = 8
DEEPER_SECONDS_MAX = 20.0
SEARCH_SECONDS_MAX = 30.0
EVERY_SIZE_SECONDS_MAX = 8.0
IN_THE_TYPES = "the types"


def prove_target(
    target: Target, effort: Effort, *, cache: ProofCache | None, ticker: Ticker
) -> Proof:
    """Prove what can be proved of the target within the effort."""
    begun, model = now(), target.model()
    if effort.reach is not Reach.EVERY_SIZE:
        check_width(target, model)
    work = _Work(target, model, effort, cache, ticker)
    if effort.reach is not Reach.STATED_SIZE:
        work.induct(Reach.EVERY_SIZE)
    if effort.reach is Reach.BEST and work.is_open():
        work.search()
    if effort.reach is not Reach.EVERY_SIZE and work.is_open() and not work.is_violated():
        work.induct(Reach.STATED_SIZE)
        if effort.reach is Reach.BEST:
            work.deepen()
    if effort.reach is not Reach.EVERY_SIZE and work.ending is Ending.COMPLETE:
        work.ask_for_meaning()
    return Proof(
        target=target,
        model=model,
        results=work.settled(),
        required=required(target, model, effort.reach),
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
        self.deeper: dict[str, Verdict] = {}
        self.deep_findings: tuple[Finding, ...] = ()
        self.vacuous: tuple[str, ...] = ()

    def is_open(self) -> bool:
        """Whether there is something left to do, and time to do it."""
        return self.ending is Ending.COMPLETE and (
            not self.results or not all_hold(self.results.values())
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
            self.results[result.id] = stronger(self.results.get(result.id), result)

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
        results = list(self.results.values())
        if self.ending is Ending.OUT_OF_TIME:
            results = [out_of_time(result) for result in results]
        if self.found is not None:
            results = [with_search(self.found, result, self.model) for result in results]
        results = [self._with_deeper(result) for result in results]
        return tuple(at_target(self.target, self.model, result) for result in results)

    def _with_deeper(self, result: ObligationResult) -> ObligationResult:
        _, engine, _, subject = result.id.split("/", 3)
        verdict = self.deeper.get(subject)
        if verdict is None or engine != "induction":
            return result
        deeper = replace(result, verdict=verdict, counterexample_to_induction=False)
        return stronger(result, deeper)

    def deepen(self) -> None:
        """k-induction, then bounded checking, for the properties that nothing has settled."""
        seconds = min(DEEPER_SECONDS_MAX, query_seconds(self.effort))
        options = SolveOptions(seed=self.effort.seed, timeout_seconds=seconds)
        stages: tuple[Stage, ...] = (
            Pdr(PdrOptions(timeout_seconds=seconds, check=options), now),
            KInduction(K_MAX, options, now),
            Bounded(DEPTH_MAX, options, now),
        )
        for stage in stages:
            todo, established = self._open_and_established()
            if not todo or self.ending is not Ending.COMPLETE:
                return
            self.ticker.tell({"proving": self.target.name, "by": stage.name, "open": len(todo)})
            said = stage.settle(self.model, todo, established)
            useful = (Outcome.HOLDS, Outcome.VIOLATED)
            self.deeper |= {n: v for n, v in said.verdicts.items() if v.outcome in useful}
            self.deep_findings += said.findings
        self.ticker.done()

    def _open_and_established(self) -> tuple[list[str], list[str]]:
        """The properties that are held less firmly than an unrolling could, and the others."""
        names = [prop.name for prop in inductive_properties(self.model)]
        weak = {
            result.id.split("/", 3)[3]
            for result in self.settled()
            if result.verdict.outcome is not Outcome.HOLDS
            or not is_enough(result.verdict, Evidence.PROVED_AT_SIZE)
        }
        return [n for n in names if n in weak], [n for n in names if n not in weak]

    def records(self) -> tuple[RunRecord, ...]:
        """Real runs where there are any, else the steps that induction stumbled over."""
        if self.found is not None and self.found.records:
            return self.found.records
        findings = self.deep_findings
        if not findings and self.parts:
            held = {r.id.partition("/")[2] for r in self.settled() if holds(r)}
            findings = tuple(
                broken.finding
                for broken in self.parts[-1].broken
                if broken.obligation.id.partition("/")[2] not in held
            )
        return tuple(record_of(self.target, self.model, found, "prove") for found in findings)

    def notes(self) -> tuple[str, ...]:
        """Warnings, then faults of the tool."""
        warnings = tuple(w for part in self.parts for w in part.warnings)
        faults = (f for part in self.parts for f in part.faults)
        told = (f"tool fault at {f.obligation.id}: {f.message}" for f in faults)
        return (*warnings, *told, *self._contradictions(), *self.vacuous)

    def _contradictions(self) -> tuple[str, ...]:
        """Proofs that a run from the start contradicts: one of two engines is wrong."""
        searched = self.found.result.findings if self.found else ()
        real = [*(one.finding for one in searched), *self.deep_findings]
        names = contradicted(self.model, real, list(self.results.values()))
        return tuple(f"tool fault at {name}: proved, and broken by a run" for name in names)

    def ask_for_meaning(self) -> None:
        """Whether the proofs are about something: what is not is noted, or leaves it open."""
        left = self.effort.seconds_left()
        if left is not None and left <= 0:
            return
        meaning = self._meaning(self.model, None)
        trivial = {
            _place_and_subject(result)
            for result in meaning.obligations
            if result.verdict.outcome is Outcome.VIOLATED
            and _place_and_subject(result)[0] == IN_THE_TYPES
        }
        again = {}
        if trivial and not meaning.interrupted:  # perhaps only because this size is so small
            larger = self._meaning(self.target.one_larger().model(), trivial)
            again = {_place_and_subject(result): result for result in larger.obligations}
        for result in meaning.obligations:
            self._enter_meaning(again.get(_place_and_subject(result), result))

    def _meaning(self, model: Model, only: set[tuple[str, str]] | None) -> VacuityResult:
        options = SolveOptions(seed=self.effort.seed, timeout_seconds=query_seconds(self.effort))
        jobs = self.effort.jobs or usable_cores()
        found = check_for_vacuity(model, options, clock=now, jobs=jobs, cache=self.cache, only=only)
        if found.interrupted:
            self.ending = Ending.INTERRUPTED
        return found

    def _enter_meaning(self, result: ObligationResult) -> None:
        place, subject = _place_and_subject(result)
        verdict = result.verdict
        if verdict.outcome is Outcome.VIOLATED:
            what = f"{place}/{subject}: {verdict.reason}"
            self.vacuous += (f"at {verdict.bound}: {what}",)
            verdict = Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, verdict.bound, what)
        self.results[result.id] = replace(result, verdict=verdict)


def _place_and_subject(result: ObligationResult) -> tuple[str, str]:
    _, _, place, subject = result.id.split("/", 3)
    return place, subject


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

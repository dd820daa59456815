"""Property-directed reachability by ABC: proofs at stated sizes that need no lemmas.

It decides properties of a model at its sizes, with Debian's `berkeley-abc` as an optional engine;
it trusts nothing that ABC says. A proof counts when its invariant, read back as a lemma of the
spec, passes the induction engine together with the property; a run counts when the concrete
evaluator takes it. The lemma is worth having: it is what induction was missing.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from kvcheck.solve.bits_machine import BitMachine, bit_machine
from kvcheck.solve.bounded import Assertions
from kvcheck.solve.engines import StatedSize, size_bound
from kvcheck.solve.obligations import Obligation, ObligationKind, proof_plan, property_named
from kvcheck.solve.options import SolveOptions
from kvcheck.solve.parallel import Task
from kvcheck.solve.pdr_blif import UnreadableAnswer, blif, choices_by_frame, cubes
from kvcheck.solve.pdr_lemma import lemma_of
from kvcheck.trace.path import Finding, FindingKind, Move, NotReproduced, confirm
from kvcheck.trace.path import Path as Run
from kvcheck.verdict import Evidence, Outcome, Verdict
from kvspec.lang.concrete import Failed, Stepped, holds, step
from kvspec.lang.ir import Model, Property, PropertyKind

PROGRAMS = ("berkeley-abc", "abc", "yosys-abc")
LITERALS_MAX = 24  # a lemma of more literals is not shown in words


@dataclass(frozen=True, slots=True, kw_only=True)
class PdrOptions:
    """How long ABC and the check of its invariant may take; `program` "" looks for one."""

    timeout_seconds: float = 60.0
    check: SolveOptions = field(default_factory=SolveOptions)
    program: str = ""


@dataclass(frozen=True, slots=True)
class PdrResult:
    """What became of the properties; `lemma` carries the proof, `finding` the violation."""

    verdict: Verdict
    seconds: float
    lemma: Property | None = None
    finding: Finding | None = None


def prove_by_pdr(
    model: Model,
    names: Sequence[str],
    options: PdrOptions,
    *,
    clock: Callable[[], float],
    assertions: Assertions = Assertions.CHECKED,
) -> PdrResult:
    """Decide the named properties at the model's sizes, and that no assertion in actions fails."""
    start, bound = clock(), size_bound(model)
    program = options.program or next((p for p in PROGRAMS if shutil.which(p)), "")
    if not program or not shutil.which(program):
        why = "ABC is not installed; PDR needs it; install it with: apt-get install berkeley-abc"
        return PdrResult(Verdict(Outcome.NOT_RUN, Evidence.NONE, bound, why), clock() - start)
    properties = tuple(property_named(model, name) for name in names)
    machine = bit_machine(model, properties, assertions)
    try:
        answer = _run_abc(program, machine, options)
        result = _judged(model, properties, machine, answer, options, assertions, clock)
    except UnreadableAnswer as fault:
        why = f"ABC's answer cannot be read: {fault}"
        result = PdrResult(Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, bound, why), 0.0)
    return replace(result, seconds=clock() - start)


@dataclass(frozen=True, slots=True)
class AbcAnswer:
    """What ABC printed and wrote."""

    text: str
    invariant: str
    counterexample: str


def _run_abc(program: str, machine: BitMachine, options: PdrOptions) -> AbcAnswer:
    limit = max(1, round(options.timeout_seconds))
    script = f"read_blif m.blif; strash; pdr -d -T {limit} -I inv.pla; write_cex -n cex.txt"
    with tempfile.TemporaryDirectory(prefix="kvproof-pdr-") as name:
        folder = Path(name)
        (folder / "m.blif").write_text(blif(machine))
        try:
            done = subprocess.run(
                [program, "-c", script],
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=limit + 30,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return AbcAnswer("UNDECIDED: it did not stop in time", "", "")
        except OSError as fault:
            raise UnreadableAnswer(f"{program} does not start: {fault}") from fault
        written = [folder / "inv.pla", folder / "cex.txt"]
        texts = [path.read_text() if path.exists() else "" for path in written]
        return AbcAnswer(done.stdout, *texts)


def _judged(
    model: Model,
    properties: tuple[Property, ...],
    machine: BitMachine,
    answer: AbcAnswer,
    options: PdrOptions,
    assertions: Assertions,
    clock: Callable[[], float],
) -> PdrResult:
    bound = size_bound(model)
    if "Property proved" in answer.text:
        found = cubes(answer.invariant) if answer.invariant else ()
        lemma = lemma_of(model, machine.memory, found, properties[0].at)
        flaw = check_lemma(model, properties, lemma, options.check, assertions, clock)
        if flaw:
            why = f"ABC's invariant does not pass induction: {flaw}"
            return PdrResult(Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, bound, why), 0.0, lemma)
        verdict = Verdict(Outcome.HOLDS, Evidence.PROVED_AT_SIZE, bound)
        return PdrResult(verdict, 0.0, lemma)
    if "was asserted in frame" in answer.text:
        finding = found_run(model, properties, machine, choices_by_frame(answer.counterexample))
        confirm(model, finding)
        verdict = Verdict(Outcome.VIOLATED, Evidence.NONE, bound, "a run found by PDR")
        return PdrResult(verdict, 0.0, None, finding)
    why = f"PDR came to no end in {options.timeout_seconds:g} s"
    return PdrResult(Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, bound, why), 0.0)


def check_lemma(
    model: Model,
    properties: Sequence[Property],
    lemma: Property,
    options: SolveOptions,
    assertions: Assertions,
    clock: Callable[[], float],
) -> str:
    """What of the properties and the lemma together is not inductive; empty where all is."""
    kept = tuple(p for p in model.properties if p.kind is PropertyKind.ASSUMPTION)
    claimed = tuple(replace(p, kind=PropertyKind.INVARIANT) for p in properties)
    alone = replace(model, properties=(*kept, *claimed, lemma))
    grouped: dict[str, list[Obligation]] = {}
    for goal in proof_plan(alone).to_prove:
        if goal.kind is not ObligationKind.ASSERTION or assertions is Assertions.CHECKED:
            grouped.setdefault(goal.action, []).append(goal)
    for action, goals in grouped.items():
        for answer in StatedSize(options, clock).answers(Task(alone, action, tuple(goals))):
            if answer.outcome is not Outcome.HOLDS:
                return f"{answer.obligation.id} is {answer.outcome.value} {answer.reason}".strip()
    return ""


def found_run(
    model: Model,
    properties: Sequence[Property],
    machine: BitMachine,
    choices: Sequence[int],
) -> Finding:
    """The run that makes these choices, up to where it is bad; raises `NotReproduced`."""
    start, rest = machine.starts[0], list(choices)
    if machine.has_first_step:
        first = rest.pop(0)
        start = machine.starts[first] if first < len(machine.starts) else start
    state = start
    moves: list[Move] = []
    actions = {action.name: action for action in model.actions}
    for choice in rest:
        wrong = next((p for p in properties if not holds(model, p, state)), None)
        if wrong is not None:
            return Finding(FindingKind.INVARIANT, wrong.name, Run(start, tuple(moves)))
        if choice >= len(machine.moves):
            continue
        move = machine.moves[choice]
        outcome = step(model, state, actions[move.action], move.arguments)
        if isinstance(outcome, Failed):
            run = Run(start, (*moves, move))
            message = outcome.check.message
            return Finding(FindingKind.ASSERTION, move.action, run, message=message)
        if isinstance(outcome, Stepped):
            state, moves = outcome.state, [*moves, move]
    raise NotReproduced("the run that ABC found ends without anything wrong")


def is_readable(lemma: Property) -> bool:
    """Whether the lemma is small enough to be offered in words."""
    return str(lemma.formula).count("Literal(") <= LITERALS_MAX

"""The seam to the explicit search: a target in, verdicts and records out.

It decides how a search's findings become records and its progress becomes facts; the search is
`kvcheck.explore`. Ctrl-C ends a search early and keeps what it found.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import FrameType

from kvcheck.cli.choose import Target
from kvcheck.cli.faults import Fault
from kvcheck.cli.progress import Ticker
from kvcheck.explore.layout import LayoutError
from kvcheck.explore.options import AfterViolation, Engine, Options, Progress, Symmetry
from kvcheck.explore.result import ExploreResult, Stopped, bound_text, obligation_results
from kvcheck.explore.search import explore
from kvcheck.explore.sites import combinations
from kvcheck.ledger import tool_versions
from kvcheck.trace.path import Finding, NotReproduced
from kvcheck.trace.record import RunRecord
from kvcheck.trace.retell import Origin, retell
from kvcheck.verdict import Exit, ObligationResult
from kvspec.lang.ir import Model


@dataclass(frozen=True, slots=True)
class Search:
    """One search of one target: the engine's result, its verdicts, and a record a finding."""

    target: Target
    result: ExploreResult
    obligations: tuple[ObligationResult, ...]
    records: tuple[RunRecord, ...]

    @property
    def is_interrupted(self) -> bool:
        """Whether Ctrl-C ended it."""
        return self.result.stopped is Stopped.INTERRUPTED


GRACE_SECONDS = 1.0
LOOK_SECONDS_MAX = 1.0
LOOK_STATES_MAX = 20_000
CHOICES_MAX = 1_000


class Interruption:
    """Whether Ctrl-C was pressed; pressed twice, or not heeded for a second, it stops at once."""

    def __init__(self) -> None:
        self.is_asked = False

    def __call__(self) -> bool:
        return self.is_asked

    def ask(self, _number: int, _frame: FrameType | None) -> None:
        """The signal handler."""
        if self.is_asked:
            raise KeyboardInterrupt
        self.is_asked = True
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, GRACE_SECONDS)

    def signals(self) -> tuple[signal.Signals, ...]:
        """The signals that ask, the alarm among them where there is one."""
        alarm = (signal.SIGALRM,) if hasattr(signal, "SIGALRM") else ()
        return (signal.SIGINT, signal.SIGTERM, *alarm)


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Turn the first Ctrl-C (or a polite kill) into a question that engines ask."""
    asked = Interruption()
    before = {number: signal.signal(number, asked.ask) for number in asked.signals()}
    try:
        yield asked
    finally:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def search(target: Target, options: Options, ticker: Ticker) -> Search:
    """Search the target; every finding is told as a record."""
    model = target.model()
    check_width(target, model)

    def tell(progress: Progress) -> None:
        ticker.tell(
            {
                "exploring": target.name,
                "states": progress.states,
                "transitions": progress.transitions,
                "queue": progress.queue,
                "depth": progress.depth,
                "rate": round(progress.rate),
                "seconds": round(progress.seconds, 1),
            }
        )

    try:
        with interruptible() as interrupted:
            result = _look_then_explore(model, options, tell, interrupted)
    except NotReproduced as error:
        raise unreproduced(target, error) from error
    except LayoutError as error:
        raise Fault(f"{target.name} ({target.size_text}):", cause=str(error), mend="") from error
    except ValueError as error:
        raise Fault(
            f"{target.name} ({target.size_text}) cannot be searched: {error}.",
            cause="The design has no initial state at these sizes.",
            mend="Choose other sizes with --size NAME=NUMBER.",
        ) from error
    finally:
        ticker.done()
    return Search(
        target=target,
        result=result,
        obligations=tuple(_at_target(target, model, o) for o in obligation_results(result)),
        records=tuple(record_of(target, model, f.finding, "explore") for f in result.findings),
    )


def check_width(target: Target, model: Model) -> None:
    """Raises: Fault, if one state has more steps to try than a search could try of many states.

    A search asks for time and Ctrl-C between two states, so it would not answer either.
    """
    choices = sum(combinations(action) for action in model.actions)
    if choices > CHOICES_MAX:
        raise Fault(
            f"{target.name} ({target.size_text}) has {choices:,} steps to try in each state, and "
            f"{CHOICES_MAX:,} are the most that are tried.",
            cause="A size was meant for a proof, or has a digit too many: it has "
            "to be written out in full.",
            mend="Give a smaller --size, or ask for all at once: `kvproof prove --every-size`.",
        )


def _look_then_explore(
    model: Model,
    options: Options,
    tell: Callable[[Progress], None],
    interrupted: Callable[[], bool],
) -> ExploreResult:
    """A plain look first: renaming states costs the Python engine more than it saves, and most
    bugs are a few steps deep."""
    if options.symmetry is Symmetry.ON and options.engine is Engine.AUTO:
        seconds = min(LOOK_SECONDS_MAX, options.seconds_max or LOOK_SECONDS_MAX)
        limit = min(LOOK_STATES_MAX, options.states_max or LOOK_STATES_MAX)
        look = replace(
            options,
            symmetry=Symmetry.OFF,
            engine=Engine.PYTHON,
            states_max=limit,
            seconds_max=seconds,
        )
        result = explore(model, look, progress=tell, interrupted=interrupted)
        wants_all = options.after_violation is AfterViolation.CONTINUE
        if result.complete or (result.findings and not wants_all):
            return replace(result, engine_note="")
        if result.stopped in (Stopped.DEPTH, Stopped.INTERRUPTED):
            return replace(result, engine_note="")
    return explore(model, options, progress=tell, interrupted=interrupted)


def record_of(target: Target, model: Model, finding: Finding, verb: str) -> RunRecord:
    """The finding as a record that says how to see it again."""
    engine = {"explore": "explicit search", "prove": "induction", "bounded": "bounded checking"}
    origin = Origin(
        machine=target.name,
        sizes=target.sizes,
        engine=engine[verb],
        tool_version=tool_versions()["kvproof"],
        rerun=target.command("explore" if verb == "bounded" else verb),
        subject=target.subject,
        why=target.source,
    )
    try:
        return retell(model, finding, origin)
    except NotReproduced as error:
        raise unreproduced(target, error) from error


def unreproduced(target: Target, error: NotReproduced) -> Fault:
    """An engine's claim that the concrete evaluator denies: our fault, never a violation."""
    return Fault(
        f"{target.name}: an engine claims a run that does not re-execute: {error}.",
        cause="Two readings of the spec disagree, which is a fault of kvproof.",
        mend="Please report it with this command; nothing is concluded about the design.",
        code=Exit.TOOL_FAULT,
    )


def _at_target(target: Target, model: Model, result: ObligationResult) -> ObligationResult:
    """The result with its bound in the sizes that the command line speaks of."""
    _, _, rest = result.id.partition("/")
    bound = result.verdict.bound.replace(bound_text(model), target.size_text)
    return replace(result, id=f"{target.name}/{rest}", verdict=replace(result.verdict, bound=bound))


def now() -> float:
    """The clock of the command line."""
    return time.monotonic()

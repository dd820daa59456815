"""A campaign: case after case until it is told to end, and what came of all of them.

It decides when a failure is a finding, what is done with one and when a campaign has looked at
enough; running, drawing, shrinking and keeping are handed in, and so are time and interruption. The
idea: a campaign that found nothing says something only if it went everywhere it can, so what it did
not reach is as much a result as what it found.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from kvcheck.fuzz.case import Case, Failure, Ran, Sizes
from kvcheck.fuzz.cover import wanted
from kvcheck.fuzz.designs import ground_of, settings_of
from kvcheck.fuzz.draw import REQUESTS, SIZES, WITH_PRIORITIES
from kvcheck.fuzz.shrink import ShrinkError, Shrunk
from kvcheck.fuzz.site import SIM
from kvcheck.fuzz.steer import Steer
from kvcheck.fuzz.unmet import UNMET

CLASSES_MAX = 12
NOT_RUN = Ran(None, "", 0)
"""What shrinking is told of a run for which there is no time: the case is not taken."""

Run = Callable[[Case], Ran]
Shrink = Callable[[Case, Failure, Run], Shrunk | None]
"""None: the failure did not come again, and its case stays as it was met."""
Keep = Callable[[Case, Ran], Path | None]


class Ending(Enum):
    """Why a campaign ended."""

    BUDGET = "its budget was used"
    ENOUGH = "it found as many classes of failures as it keeps"
    INTERRUPTED = "it was interrupted"
    LOST = "its device failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to fuzz and for how long: `runs_max` runs, or until `is_time_up` says so.

    A campaign ends early once it has `classes_max` classes of failures. `device` is where the cases
    are run, and `blind` what no run there can show.
    """

    seed: int = 0
    manager: str = "blocks"
    sizes: tuple[Sizes, ...] = SIZES + WITH_PRIORITIES
    runs_max: int | None = None
    classes_max: int = CLASSES_MAX
    device: str = SIM.name
    blind: str = SIM.blind


@dataclass(frozen=True, slots=True)
class Found:
    """A failure, its smallest case, in which run it was met, and where it is kept, if it is."""

    case: Case
    failure: Failure
    run: int
    path: Path | None


@dataclass(slots=True)
class Campaign:
    """What came of a campaign so far; `hits` counts the runs that covered a name.

    `unwitnessed` is what no run's judge saw of the device; None before the first run.
    """

    plan: Plan
    wanted: tuple[str, ...]
    hits: Mapping[str, int]
    runs: int = 0
    steps: int = 0
    state_count: int = 0
    seed_count: int = 0
    unwitnessed: frozenset[str] | None = None
    found: list[Found] = field(default_factory=list)
    ending: Ending = Ending.BUDGET

    def missing(self) -> tuple[str, ...]:
        """What was wanted and not met, and is not listed as out of reach."""
        return tuple(n for n in self.wanted if not self.hits.get(n) and n not in UNMET)

    @property
    def blind(self) -> str:
        """What no run could show, in the words of a bound; "" if nothing."""
        unseen = ", ".join(sorted(self.unwitnessed or ()))
        own = f"blind to {unseen}" if unseen else ""
        return "; ".join(words for words in (own, self.plan.blind) if words)

    def met(self, kind: str) -> tuple[int, int]:
        """How many names of a kind were met, and how many could be: action, goal, true, false."""
        names = [n for n in self.wanted if n.startswith(f"{kind} ") and n not in UNMET]
        return sum(1 for n in names if self.hits.get(n)), len(names)


def fuzz(
    plan: Plan,
    *,
    run: Run,
    shrink: Shrink,
    keep: Keep,
    is_time_up: Callable[[], bool],
    is_interrupted: Callable[[], bool],
    tell: Callable[[Campaign], None] = lambda _: None,
) -> Campaign:
    """Run cases until the plan is met, the time is up or somebody interrupts.

    The first case of each class of failures is kept at once as it is, and then once more, smaller.
    """
    rng, steer = random.Random(plan.seed), Steer(plan.sizes, plan.manager)
    grounds = [ground_of(settings_of(sizes).shape, REQUESTS) for sizes in plan.sizes]
    campaign = Campaign(plan, wanted(grounds), steer.hits)
    known: set[tuple[str, str]] = set()

    def stops() -> bool:
        return is_interrupted() or is_time_up()

    while campaign.runs != plan.runs_max and not stops():
        case = steer.next(rng)
        ran = run(case)
        steer.learn(case, ran)
        campaign.runs += 1
        campaign.steps += ran.steps
        seen_before = campaign.unwitnessed
        campaign.unwitnessed = (
            ran.unwitnessed if seen_before is None else seen_before & ran.unwitnessed
        )
        campaign.state_count, campaign.seed_count = len(steer.states), len(steer.seeds)
        if ran.failure is not None and ran.failure.key not in known:
            known.add(ran.failure.key)
            first = Found(case, ran.failure, campaign.runs, keep(case, ran))
            campaign.found.append(_smaller(first, run, shrink, keep, stops))
            if len(campaign.found) >= plan.classes_max:
                campaign.ending = Ending.ENOUGH
                break
        tell(campaign)
    if is_interrupted():
        campaign.ending = Ending.INTERRUPTED
    return campaign


def _smaller(
    first: Found, run: Run, shrink: Shrink, keep: Keep, stops: Callable[[], bool]
) -> Found:
    """The finding with its smallest case, or as it is if there is no time to shrink it."""

    def run_on(case: Case) -> Ran:
        return NOT_RUN if stops() else run(case)

    try:
        small = shrink(first.case, first.failure, run_on)
    except ShrinkError:
        if stops():
            return first
        raise
    if small is None:
        return first
    assert small.ran.failure is not None, "what was shrunk fails alike"
    return Found(small.case, small.ran.failure, first.run, keep(small.case, small.ran))

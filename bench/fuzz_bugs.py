"""How long the fuzzer needs to find each known bug of the manager from a cold start."""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from measure import FAILED, OK, against, heading, table

from kvcheck.fuzz.campaign import Plan, fuzz
from kvcheck.fuzz.case import Case, Failure, Ran
from kvcheck.fuzz.designs import ground_of
from kvcheck.fuzz.runner import run_case
from kvcheck.fuzz.shrink import End, Shrunk
from kvimpl.bugs import BUGS

SECONDS_MAX = 60.0
SEEDS = 10


@dataclass(frozen=True, slots=True)
class Hunt:
    """One campaign until its first finding: CPU seconds, runs, and its class, if it found any."""

    seconds: float
    runs: int
    failure: Failure | None


def hunt(manager: str, seed: int, budget: float) -> Hunt:
    """From nothing: designs are compiled anew, and no case is kept."""
    ground_of.cache_clear()
    began = time.process_time()
    campaign = fuzz(
        Plan(seed=seed, manager=manager, classes_max=1),
        run=run_case,
        shrink=as_it_is,
        keep=nowhere,
        is_time_up=lambda: time.process_time() - began >= budget,
        is_interrupted=lambda: False,
    )
    failure = campaign.found[0].failure if campaign.found else None
    return Hunt(time.process_time() - began, campaign.runs, failure)


def as_it_is(case: Case, failure: Failure, run: object) -> Shrunk:
    """A case that is not shrunk: the time to the finding is measured, and no more."""
    return Shrunk(case, Ran(failure, "", 0), 0, End.BUDGET)


def nowhere(case: Case, ran: Ran) -> Path | None:
    """Keeps nothing."""
    return None


def main() -> int:
    """Print a row a bug; fail if some seed does not find its bug within the budget."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--select", default="*", help="only the bugs whose id matches")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="seeds 0 to this, exclusive")
    parser.add_argument("--budget", type=float, default=SECONDS_MAX, help="CPU seconds a seed")
    given = parser.parse_args()
    chosen = [name for name in BUGS if fnmatch(name, given.select)]
    if not chosen or given.seeds < 1:
        print(f"no bug matches {given.select!r}, or no seed was asked for", file=sys.stderr)
        return FAILED
    heading("Known bugs, found by fuzzing", fixed="one core, cold start", rounds=given.seeds)
    rows, worst_of_all, missed = [], 0.0, []
    for name in chosen:
        hunts = [hunt(name, seed, given.budget) for seed in range(given.seeds)]
        seconds, runs = [h.seconds for h in hunts], [h.runs for h in hunts]
        found = [h for h in hunts if h.failure is not None]
        missed += [name] * (len(hunts) - len(found))
        worst_of_all = max(worst_of_all, *seconds)
        kinds = sorted({h.failure.kind for h in found if h.failure is not None})
        row = [name, f"{len(found)} of {len(hunts)}"]
        row += [f"{statistics.median(seconds):.2f}", f"{max(seconds):.2f}"]
        row += [f"{statistics.median(runs):.0f}", str(max(runs)), ", ".join(kinds)]
        rows.append(row)
        print(f"{name} done", file=sys.stderr)
    head = ["bug", "found", "median CPU s", "worst", "median runs", "worst", "seen as"]
    table(head, rows)
    says = f"each bug within {SECONDS_MAX:.0f} s on one core (worst {worst_of_all:.1f} s)"
    met = not missed and worst_of_all <= SECONDS_MAX
    print("- " + against(says, met=met))
    return OK if met else FAILED


if __name__ == "__main__":
    sys.exit(main())

"""Whether the right stagings stay clean and in step over many schedules, and what that costs."""

from __future__ import annotations

import argparse
import sys
import time

from measure import FAILED, OK, against, heading, table

from kvcheck.fuzz.staging import RIGHT, Sign, drawn, every_order, judged
from kvcheck.fuzz.staging_lockstep import refused_at, stepped
from kvcheck.schedule import Budget, Explored, Random, Reach
from kvcheck.verdict import Outcome
from kvimpl.bugs.staging import STAGING_BUGS

RUNS = 10_000
SECONDS = 60.0
DEPTHS = 4


def random_runs(name: str, runs: int) -> tuple[int, float]:
    """Flagged runs of a right staging, each its own case and schedule; CPU seconds."""
    began, flagged = time.process_time(), 0
    for seed in range(runs):
        case = drawn(seed, depth=1 + seed % DEPTHS)
        flagged += bool(judged(RIGHT[name], case, Random(seed)).says)
    return flagged, time.process_time() - began


def bug_runs(name: str, runs: int) -> int:
    """Flagged runs of a bug, at its own depth of two."""
    kind = STAGING_BUGS[name]
    return sum(bool(judged(kind, drawn(seed), Random(seed)).says) for seed in range(runs))


def refused_runs(name: str, runs: int) -> int:
    """Runs of a bug that its design refuses."""
    bug = STAGING_BUGS[name]
    return sum(bool(refused_at(stepped(bug, drawn(seed), Random(seed)))) for seed in range(runs))


def steps_taken(name: str, runs: int) -> tuple[int, int, float]:
    """Refused runs of a right staging in lockstep, steps of its design, CPU seconds."""
    began, refused, steps = time.process_time(), 0, 0
    for seed in range(runs):
        judge = stepped(RIGHT[name], drawn(seed, depth=1 + seed % DEPTHS), Random(seed))
        refused += judge.verdict().outcome is not Outcome.HOLDS
        steps += judge.step_count
    return refused, steps, time.process_time() - began


def all_orders(
    name: str, iterations: int, seconds: float
) -> tuple[Explored[frozenset[Sign]], float]:
    """Every order of a case, as far as the budget goes; CPU seconds."""
    began = time.process_time()
    budget = Budget(seconds=seconds, clock=time.process_time)
    explored = every_order(RIGHT[name], drawn(1, iterations), budget)
    return explored, time.process_time() - began


def main() -> int:
    """Print four tables; fail at a false alarm, or at a bug that no run tells."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=1, help="taken and not used: one round")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    given = parser.parse_args()
    fixed = f"four iterations, host one ahead, depths 1 to {DEPTHS}, one process, races watched"
    heading("Staging", fixed=fixed, rounds=1)
    rows, alarms = [], 0
    for name in RIGHT:
        flagged, seconds = random_runs(name, given.runs)
        alarms += flagged
        rows.append([name, str(given.runs), str(flagged), f"{given.runs / seconds:.0f}"])
    table(["right staging", "random schedules", "flagged", "per CPU s"], rows)
    print("- " + against("no right staging is flagged", met=not alarms) + "\n")

    rows, refusals = [], 0
    for name in RIGHT:
        refused, steps, seconds = steps_taken(name, given.runs)
        refusals += refused
        rows.append([name, str(given.runs), str(refused), str(steps), f"{steps / seconds:.0f}"])
    head = ["right staging, in lockstep", "random schedules", "refused", "steps", "per CPU s"]
    table(head, rows)
    print("- " + against("no right staging is refused", met=not refusals) + "\n")

    few = min(given.runs, 500)
    flagged_by = {name: bug_runs(name, few) for name in STAGING_BUGS}
    refused_by = {name: refused_runs(name, few) for name in STAGING_BUGS}
    rows = [
        [name, f"{count} of {few}", f"{refused_by[name]} of {few}"]
        for name, count in flagged_by.items()
    ]
    table(["bug, depth 2", "flagged random schedules", "refused in lockstep"], rows)
    told = all(refused_by[name] or flagged_by[name] for name in STAGING_BUGS)
    print("- " + against("every bug is flagged or refused", met=told) + "\n")

    rows, clean = [], True
    for name in RIGHT:
        for iterations in (3, 4, 5, 6):
            explored, seconds = all_orders(name, iterations, given.seconds)
            clean &= explored.runs > 0 and not any(explored.outcomes)
            cells = [str(explored.runs), explored.reach.value, f"{seconds:.1f}"]
            rows.append([name, str(iterations), *cells])
            if explored.reach is not Reach.EXHAUSTED:
                break
    table(["right staging, depth 2", "iterations", "runs", "verdict", "CPU s"], rows)
    print("- " + against("no order that was tried is flagged", met=clean))
    return OK if not alarms and not refusals and clean and told else FAILED


if __name__ == "__main__":
    sys.exit(main())

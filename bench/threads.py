"""How soon every order, and orders by chance, show each bug of the manager that threads share."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from functools import partial
from itertools import islice

from measure import FAILED, OK, PYTHON, ROOT, against, heading, table, timed

from kvcheck.schedule import Budget, Reach, explore
from kvcheck.threads.columns import RIGHT, bug_rows, chances, every_order, made
from kvcheck.threads.program import SMALL, TWO_BLOCKS, TWO_READERS, Program
from kvcheck.threads.run import judged
from kvimpl.bugs.shared import SHARED_BUGS, Shows
from kvimpl.device.port.steps import Schedule

SEEDS = 10
SECONDS_MAX = 60.0
RANDOM_RUNS = 10_000
RUNS_MAX = 50_000
WAYS = ("every order", "by chance")
BEYOND = {"two readers": TWO_READERS, "two primary blocks": TWO_BLOCKS}


def hunted(name: str, way: str, seed: int) -> dict[str, float]:
    """Runs until the first sign, and until the first that needs no design; 0 for neither."""
    build, runs, first = made(name), 0, 0

    def once(program: Program, schedule: Schedule) -> bool:
        nonlocal runs, first
        signs = judged(build, program, schedule).signs
        runs += 1
        first = first or (runs if signs else 0)
        return bool(signs - {Shows.LOCKSTEP})

    if way == "by chance":
        harmed = any(once(*one) for one in islice(chances(seed), RUNS_MAX))
        return {"first": first, "harm": runs if harmed else 0}
    turned = SMALL[seed % len(SMALL) :] + SMALL[: seed % len(SMALL)]
    for program in turned:
        explored = explore(
            partial(once, program),
            budget=Budget(runs=RUNS_MAX),
            stop=bool,
        )
        if explored.reach is Reach.STOPPED:
            return {"first": first, "harm": runs}
    return {"first": first, "harm": 0}


def one_bug(name: str, way: str, seeds: int) -> tuple[list[str], bool]:
    """A row: a process a seed, from its start to the first sign that needs no design."""
    seconds, firsts, harms = [], [], []
    for seed in range(seeds):
        sample = timed([PYTHON, __file__, "--hunt", name, way, str(seed)], cwd=ROOT)
        runs = json.loads(sample.output)
        seconds.append(sample.cpu_seconds)
        firsts.append(runs["first"])
        harms.append(runs["harm"])
    found = all(harms) and max(seconds) <= SECONDS_MAX
    cells = [f"{statistics.median(s):.0f} / {max(s)}" for s in (firsts, harms)]
    median, worst = statistics.median(seconds), max(seconds)
    return [name, way, *cells, f"{median:.1f}", f"{worst:.1f}"], found


def whole(name: str) -> tuple[list[str], bool]:
    """A row: every order of the small programs to the end, and whether it shows what is said."""
    began = time.process_time()
    cells = every_order(made(name), frozenset(), runs_max=1_000_000)
    seen = {column.value for column, cell in cells.items() if cell.by}
    claimed = set()
    if name != RIGHT:
        claimed = {one.value for one in SHARED_BUGS[name].shows - {Shows.LINEAR}}
    as_said = seen == claimed and not any(cell.is_open for cell in cells.values())
    spent = f"{time.process_time() - began:.1f}"
    return [name, ", ".join(sorted(seen)) or "nothing", "yes" if as_said else "NO", spent], as_said


def _signs(program: Program, schedule: Schedule) -> frozenset[Shows]:
    return judged(made(RIGHT), program, schedule).signs


def right_beyond(runs_max: int) -> tuple[list[list[str]], bool]:
    """Rows of the right manager: every order of larger programs, and many orders by chance."""
    rows, silent = [], True
    for words, program in BEYOND.items():
        began = time.process_time()
        explored = explore(
            partial(_signs, program),
            budget=Budget(runs=100_000),
        )
        silent &= explored.reach is Reach.EXHAUSTED and not any(explored.outcomes)
        spent = f"{time.process_time() - began:.1f}"
        rows.append([words, "every order", str(explored.runs), explored.reach.value, spent])
    began, flagged = time.process_time(), 0
    for number, (program, schedule) in enumerate(chances(), 1):
        flagged += bool(judged(made(RIGHT), program, schedule).says)
        if number == runs_max:
            break
    spent = f"{time.process_time() - began:.1f}"
    rows.append(["small and drawn", "by chance", str(runs_max), f"{flagged} flagged", spent])
    return rows, silent and not flagged


def main() -> int:
    """Print three tables; fail at a bug that is not found in time, or at a false alarm."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=1, help="taken and not used: one round")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--runs", type=int, default=RANDOM_RUNS)
    parser.add_argument("--hunt", nargs=3, help="one bug, one way, one seed, in this process")
    given = parser.parse_args()
    if given.hunt:
        name, way, seed = given.hunt
        print(json.dumps(hunted(name, way, int(seed))))
        return OK
    fixed = f"1+1 and 2+1 blocks, one reader, one process a hunt, {given.seeds} seeds"
    heading("The manager that threads share", fixed=fixed, rounds=1)
    hunts = [one_bug(name, way, given.seeds) for name in bug_rows() for way in WAYS]
    head = ["bug", "orders", "runs to a sign", "runs to harm", "CPU s, median", "CPU s, worst"]
    table(head, [row for row, _ in hunts])
    in_time = all(found for _, found in hunts)
    print("- runs are median / worst; harm is a sign that needs no design")
    print("- " + against(f"every bug within {SECONDS_MAX:.0f} s of a start", met=in_time) + "\n")

    wholes = [whole(name) for name in (*bug_rows(), RIGHT)]
    table(["manager", "every order shows", "as it says", "CPU s"], [row for row, _ in wholes])
    as_said = all(met for _, met in wholes)
    print("- " + against("each bug is shown by what it says and no more", met=as_said) + "\n")

    rows, silent = right_beyond(given.runs)
    table(["the right manager", "orders", "runs", "verdict", "CPU s"], rows)
    print("- " + against("nothing is seen of the right manager", met=silent))
    return OK if in_time and as_said and silent else FAILED


if __name__ == "__main__":
    sys.exit(main())

"""What judging costs: a scheduler's work on the manager and `sim`, with the checks off and on.

The same operations each time: rounds of four requests that extend shared prefixes, kernels that
fill what is new, commits, readers elsewhere, releases. A *judged step* is a step of the design
taken in the judge and compared with what is shown; parts are judged too and not counted. The
device watches all accesses in every row, and what is new is filled with its writer's tag: "off"
means that nobody is told of the manager's steps. Garbage is looked for as rarely in each row as a
campaign does.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from measure import FAILED, OK, PYTHON, ROOT, ROUNDS, against, heading, table, timed

from kvcheck.fuzz.looks import EVERYTHING, Look, Looking
from kvcheck.fuzz.site import ByKernel
from kvcheck.lockstep import Judge, Tag, tiers
from kvcheck.lockstep.collector import rare_collections
from kvcheck.lockstep.judge import RING_DEFAULT
from kvcheck.schedule import Budget, Random, Reach, explore
from kvcheck.verdict import Outcome
from kvimpl.blocks import BlockError, BlockHandle, BlockManager, PoolSettings
from kvimpl.device.sim import SimDevice, SimOptions, run
from kvspec.events import Detail, Key, RequestId

BLOCKS = 16
SLOT_BYTES = 64
REQUESTS = 4
PREFIX = 4
FAMILIES = 8
STEPS_MAX = 1 << 60
STEPS = 20_000
LENGTHS = (10_000, 100_000, 1_000_000)
RATE_MIN = 20_000
SLOWER_MAX = 10.0
SPREAD_MAX = 1.25
GROWTH_MAX = 8 << 20
SEARCH_SECONDS = 2.0
RUNS_MAX = Budget(runs=200_000)
KEYS = [[Key(b"%d.%d" % (one, deep)) for deep in range(PREFIX)] for one in range(FAMILIES)]


def settings(blocks: int) -> PoolSettings:
    """`blocks` blocks a level, one priority."""
    return PoolSettings(
        primary_count=blocks,
        secondary_count=blocks,
        slot_bytes=SLOT_BYTES,
        references_max=REQUESTS + 2,
        pins_max=2,
        copies_max=8,
    )


@dataclass(frozen=True, slots=True)
class Checks:
    """What is judged of a run: nothing, where there is no detail."""

    detail: Detail | None
    looks: frozenset[Look] = frozenset()


class Scheduler:
    """One manager on one simulated device; the same seed does the same, whoever listens."""

    def __init__(self, checks: Checks, *, ring: int = RING_DEFAULT) -> None:
        device = SimDevice(Random(1), SimOptions(steps_max=STEPS_MAX))
        looking = Looking(device, checks.looks, slot_bytes=SLOT_BYTES)
        self.device, self.compute = looking.device, looking.compute
        self.judge = checks.detail and Judge(
            tiers(settings(BLOCKS).shape),
            detail=checks.detail,
            ring=ring,
            order=looking.order,
            payload=looking.payload,
        )
        self.manager = BlockManager(
            self.device,
            settings(BLOCKS),
            compute=self.compute,
            clock=lambda: 0.0,
            reporter=self.judge,
        )
        self.bytes = ByKernel()
        self.rng = random.Random(1)
        self.requests = 0

    def round(self) -> None:
        """Admit, copy, compute, commit, let a reader in, release."""
        manager, rng = self.manager, self.rng
        first = self.requests
        fresh: list[tuple[RequestId, Key, BlockHandle]] = []
        manager.begin_step()
        for _ in range(REQUESTS):
            request, self.requests = RequestId(self.requests), self.requests + 1
            for key in KEYS[rng.randrange(FAMILIES)][: rng.randint(1, PREFIX)]:
                try:
                    if not isinstance(manager.acquire(request, key), BlockHandle):
                        fresh.append((request, key, manager.allocate(request)))
                except BlockError:
                    break
        manager.end_step()
        for request, _, handle in fresh:
            data = Tag(handle.block, handle.generation, request).encoded()
            self.bytes.write(self.device, manager.view(handle), data, self.compute, label="fill")
        self.device.synchronize(self.compute)
        for request, key, handle in fresh:
            manager.commit(handle, request, key)
        receipt = manager.pin_key(rng.choice(KEYS)[0])
        for number in range(first, self.requests):
            manager.release_request(RequestId(number))
        if receipt is not None:
            manager.unpin(receipt)


@dataclass(frozen=True, slots=True)
class Taken:
    """What one run took; `steps` are the design's, 0 where nobody judged."""

    rounds: int
    steps: int
    parts: int
    device_steps: int
    cpu_seconds: float


def taken(checks: Checks, *, rounds: int | None = None, steps: int = 0) -> Taken:
    """So many rounds, or as many as it takes to judge so many steps.

    Raises: RuntimeError, if the judge or the device had anything to say: a bench of a run that went
    wrong measures nothing.
    """
    scheduler, done = Scheduler(checks), 0
    judge = scheduler.judge
    with rare_collections():
        began = time.process_time()
        while done < rounds if rounds is not None else judge and judge.step_count < steps:
            scheduler.round()
            done += 1
        cpu = time.process_time() - began
    if scheduler.device.findings or (judge and judge.verdict().outcome is not Outcome.HOLDS):
        raise RuntimeError(f"{scheduler.device.findings}, {judge and judge.verdict()}")
    counts = (judge.step_count, judge.part_count) if judge else (0, 0)
    return Taken(done, *counts, scheduler.device.step_count, cpu)


# ---- off against on


EVERY_CHECK = Checks(Detail.PARTS, EVERYTHING)
CHECKS = {
    "off: nobody is told": Checks(None),
    "every step": Checks(Detail.STEPS),
    "steps and parts": Checks(Detail.PARTS),
    "everything: order and tags too": EVERY_CHECK,
}


def rates(rounds: int) -> bool:
    """Checks off and on, in turns; whether both targets are met."""
    first = taken(EVERY_CHECK, steps=STEPS)
    samples: dict[str, list[float]] = {name: [] for name in CHECKS}
    for _ in range(rounds):
        for name, checks in CHECKS.items():
            samples[name].append(taken(checks, rounds=first.rounds).cpu_seconds)
    costs = {name: statistics.median(each) for name, each in samples.items()}
    off = costs["off: nobody is told"]
    print(
        f"{first.rounds} rounds: {first.steps} steps of the design, {first.parts} parts,"
        f" {first.device_steps} steps of the device.\n"
    )
    table(
        ["checks", "CPU us a step", "steps per CPU s", "against off"],
        [
            [
                name,
                f"{cost / first.steps * 1e6:.1f}",
                f"{first.steps / cost:.0f}",
                f"{cost / off:.2f}",
            ]
            for name, cost in costs.items()
        ],
    )
    all_on = costs["everything: order and tags too"]
    rate, ratio = first.steps / all_on, all_on / off
    says = f"{RATE_MIN} judged steps a second on one core ({rate:.0f} per CPU s)"
    print("- " + against(says, met=rate >= RATE_MIN))
    says = f"at most {SLOWER_MAX:.0f} times slower than without checks ({ratio:.2f})"
    print("- " + against(says, met=ratio <= SLOWER_MAX) + "\n")
    return rate >= RATE_MIN and ratio <= SLOWER_MAX


# ---- long runs


def linear(longest: int) -> bool:
    """One run of each length, in a process of its own; whether time and memory are flat."""
    lengths = [length for length in LENGTHS if length <= longest]
    rows, costs, memory = [], [], []
    for length in lengths:
        sample = timed([PYTHON, str(ROOT / "bench" / "lockstep.py"), "--one", str(length)])
        if sample.exit_code != OK:
            raise RuntimeError(f"the run of {length} steps failed: {sample.output[-300:]}")
        facts = json.loads(sample.output)
        costs.append(facts["cpu_seconds"] / facts["steps"])
        memory.append(sample.memory_bytes)
        grown = (sample.memory_bytes - memory[0]) / 2**20
        row = [f"{facts['steps']}", f"{facts['events']}", f"{facts['cpu_seconds']:.2f}"]
        rows.append([*row, f"{costs[-1] * 1e6:.1f}", f"{grown:+.1f}"])
    table(["judged steps", "events", "CPU s", "CPU us a step", "MiB peak, against first"], rows)
    spread, growth = max(costs) / min(costs), max(memory) - memory[0]
    says = f"a step costs the same after {lengths[-1]} (dearest against cheapest {spread:.2f})"
    print("- " + against(says, met=spread <= SPREAD_MAX))
    says = f"memory does not grow with the run ({growth / 2**20:.1f} MiB)"
    print("- " + against(says, met=growth <= GROWTH_MAX) + "\n")
    return spread <= SPREAD_MAX and growth <= GROWTH_MAX


def one(steps: int) -> None:
    """The child's part of `linear`: judge so many steps, say what it took."""
    ran = taken(EVERY_CHECK, steps=steps)
    facts = {"steps": ran.steps, "events": ran.steps + ran.parts, "cpu_seconds": ran.cpu_seconds}
    print(json.dumps(facts))


# ---- every order of a small program


def offload_and_read(blocks: int) -> Callable[[SimDevice], tuple[str, int]]:
    """A block is filled and cached, a reader pins it by its key, and the scheduler needs its slot:
    the program in which case S1 fails, under its judge."""
    design = tiers(settings(blocks).shape)

    def program(device: SimDevice) -> tuple[str, int]:
        judge, key, first = Judge(design), KEYS[0][0], RequestId(0)
        compute = device.stream("compute")
        manager = BlockManager(
            device, settings(blocks), compute=compute, clock=lambda: 0.0, reporter=judge
        )

        def read() -> None:
            receipt = manager.pin_key(key)
            if receipt is not None:
                manager.unpin(receipt)

        manager.begin_step()
        handle = manager.allocate(first)
        manager.end_step()
        device.fill(manager.view(handle), 7, compute)
        manager.commit(handle, first, key)
        manager.release(handle, first)
        reader = device.spawn("reader", read)
        manager.begin_step()
        with contextlib.suppress(BlockError):
            manager.allocate(RequestId(1))
        manager.end_step()
        reader.join()
        return judge.verdict().outcome.value, len(device.findings)

    return program


def searched(program: Callable[[SimDevice], tuple[str, int]]) -> float:
    """Orders per CPU second, when the same search is made again and again."""
    runs, began = 0, time.process_time()
    while (cpu := time.process_time() - began) < SEARCH_SECONDS:
        runs += explore(lambda order: run(program, order).outcome, budget=RUNS_MAX).runs
    return runs / cpu


def every_order() -> bool:
    """The small programs under every order; whether each is exhausted and holds."""
    rows, good = [], True
    for blocks in (1, 2):
        program = offload_and_read(blocks)
        began = time.process_time()
        explored = explore(lambda order, p=program: run(p, order).outcome, budget=RUNS_MAX)
        cpu = time.process_time() - began
        seen = " ".join(str(outcome) for outcome in explored.outcomes)
        holds = set(explored.outcomes) == {(Outcome.HOLDS.value, 0)}
        good = good and holds and explored.reach is Reach.EXHAUSTED
        row = [f"{blocks}+{blocks}", str(explored.runs), str(explored.steps), explored.reach.value]
        rows.append([*row, seen, f"{cpu:.2f}", f"{searched(program):.0f}"])
    head = ["blocks", "orders", "steps", "verdict", "outcome, findings", "CPU s"]
    table([*head, "orders per CPU s"], rows)
    print("- " + against("every order of the S1 programs is judged well", met=good) + "\n")
    return good


def main() -> int:
    """Print the tables; fail if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--longest", type=int, choices=LENGTHS, default=LENGTHS[-1])
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one is not None:
        one(asked.one)
        return OK
    heading(
        "Lockstep",
        fixed=f"{BLOCKS}+{BLOCKS} blocks, {REQUESTS} requests a round, seed 1, random order of the"
        " device's work, races watched, one process",
        rounds=asked.rounds,
    )
    met = [rates(asked.rounds), linear(asked.longest), every_order()]
    return OK if all(met) else FAILED


if __name__ == "__main__":
    sys.exit(main())

"""Schedules a second, what exhausting costs, and what a long run keeps in memory."""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence

from measure import FAILED, OK, ROUNDS, against, heading, table

from kvcheck.schedule import (
    Budget,
    Eager,
    Explored,
    HostFirst,
    Pct,
    Random,
    Recorder,
    Replay,
    explore,
)
from kvimpl.device.port import Bytes, Kernel, Mode, Space
from kvimpl.device.port.steps import Schedule
from kvimpl.device.sim import SimDevice, run

RUNS = 500
TARGET = 1_000
ROW = 64


def _copies(arguments: Sequence[Bytes | int]) -> None:
    target, source = arguments
    target.write(source.read())


GATHER = Kernel("gather", (Mode.WRITE, Mode.READ), _copies)


def ten_operations(dev: SimDevice) -> bytes:
    """Two streams, ten operations in them: copies, kernels, records and a wait."""
    copies, compute = dev.stream("copies"), dev.stream("compute")
    stage = dev.alloc(ROW, Space.PINNED, label="stage")
    rows = [dev.alloc(ROW, Space.DEVICE, label=f"row{k}") for k in range(3)]
    loaded, used = dev.event("loaded"), dev.event("used")
    dev.host_write(stage.view(), bytes(ROW))
    dev.copy(rows[0].view(), stage.view(), copies)
    dev.copy(rows[1].view(), stage.view(), copies)
    dev.record(loaded, copies)
    dev.wait(compute, loaded)
    dev.launch(GATHER, (rows[2].view(), rows[0].view()), compute)
    dev.launch(GATHER, (rows[2].view(), rows[1].view()), compute)
    dev.record(used, compute)
    dev.query(loaded)
    dev.wait(copies, used)
    dev.copy(stage.view(), rows[2].view(), copies)
    dev.record(loaded, copies)
    dev.synchronize(loaded)
    return dev.host_read(stage.view())


def guarded(iterations: int) -> Callable[[SimDevice], bytes]:
    """A fresh host row a step, freed when the event behind its kernel has completed."""

    def program(dev: SimDevice) -> bytes:
        stream = dev.stream("compute")
        retired, fences = [], []
        target = dev.alloc(iterations, Space.DEVICE, label="target")
        for step in range(iterations):
            if len(fences) > 1:
                dev.synchronize(fences[-2])
            stage = dev.alloc(1, Space.PINNED, label="stage")
            dev.host_write(stage.view(), bytes([step]))
            dev.launch(GATHER, (target.view(step, step + 1), stage.view()), stream)
            mark = dev.record(dev.event("e"), stream)
            retired.append((mark, stage))
            while retired and dev.query(retired[0][0]):
                dev.free(retired.pop(0)[1])
            fences.append(mark)
        back = dev.alloc(iterations, Space.PINNED, label="back")
        dev.copy(back.view(), target.view(), stream)
        dev.synchronize()
        return dev.host_read(back.view())

    return program


def rate(schedule: Callable[[int], Schedule], rounds: int) -> tuple[float, float]:
    """Runs of the ten-operation program a CPU second and a wall second, medians."""
    cpu, wall = [], []
    for _ in range(rounds):
        began, used = time.monotonic(), time.process_time()
        for seed in range(RUNS):
            run(ten_operations, schedule(seed))
        cpu.append(RUNS / (time.process_time() - used))
        wall.append(RUNS / (time.monotonic() - began))
    return statistics.median(cpu), statistics.median(wall)


def exhausted(iterations: int) -> tuple[Explored[bytes | None], float]:
    """Every order of the guarded program, and the CPU seconds that it took."""
    program, began = guarded(iterations), time.process_time()
    explored = explore(lambda s: run(program, s).outcome, budget=Budget(runs=5_000))
    return explored, time.process_time() - began


def long_run(operations: int) -> tuple[float, int]:
    """CPU seconds an operation, and the memory that one run of so many copies holds at its end."""
    device = SimDevice(Random(1))
    stream, event = device.stream("copies"), device.event("e")
    pool = device.alloc(64 * ROW, Space.DEVICE, label="pool")
    host = device.alloc(64 * ROW, Space.PINNED, label="host")
    began = time.process_time()
    tracemalloc.start()
    for number in range(operations):
        low = (number % 64) * ROW
        device.copy(pool.view(low, low + ROW), host.view(low, low + ROW), stream)
        if number % 8 == 7:
            device.record(event, stream)
            device.synchronize(event)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (time.process_time() - began) / operations, held


def main() -> int:
    """Print three tables; fail if the target is missed or a long run is not flat."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    heading("Schedules", fixed=f"{RUNS} runs a round, one process, races watched", rounds=rounds)
    record = Recorder(Random(0))
    steps = run(ten_operations, record).step_count
    schedules: dict[str, Callable[[int], Schedule]] = {
        "host-first": lambda _: HostFirst(),
        "eager": lambda _: Eager(),
        "random": Random,
        "PCT": Pct,
        "replay": lambda _: Replay(record.text),
    }
    rates = {name: rate(schedule, rounds) for name, schedule in schedules.items()}
    rows = [[name, f"{cpu:.0f}", f"{wall:.0f}"] for name, (cpu, wall) in rates.items()]
    table([f"schedule ({steps} steps a run)", "runs per CPU s", "runs per wall s"], rows)
    slowest = min(cpu for cpu, _ in rates.values())
    says = f"{TARGET} schedules a second, ten operations (slowest {slowest:.0f} per CPU s)"
    print("- " + against(says, met=slowest >= TARGET) + "\n")

    rows = []
    for iterations in (2, 3, 4, 5, 6):
        explored, seconds = exhausted(iterations)
        told = [str(explored.runs), str(explored.steps), explored.reach.value, f"{seconds:.2f}"]
        rows.append([str(iterations), *told])
    table(["guarded staging, iterations", "runs", "steps", "verdict", "CPU s"], rows)

    sizes = (1_000, 10_000, 40_000)
    long_runs = [long_run(size) for size in sizes]
    rows = [
        [str(size), f"{cost * 1e6:.0f}", f"{held / 1024:.0f}"]
        for size, (cost, held) in zip(sizes, long_runs, strict=True)
    ]
    table(["copies in one run", "CPU us a copy (traced)", "KiB held at the end"], rows)
    flat = long_runs[-1][1] < 2 * long_runs[0][1] + 64 * 1024
    print("- " + against("memory of a run does not grow with its length", met=flat))
    return OK if slowest >= TARGET and flat else FAILED


if __name__ == "__main__":
    sys.exit(main())

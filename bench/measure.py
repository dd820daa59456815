"""What every bench shares: a timed child process, the median of five, a table, the machine.

It decides how a figure is taken, not which. A figure is the CPU time of a child process and of all
that it started, so that a busy machine moves it little; wall time stands beside it.
Contestants take turns within one run, so that drift meets all of them alike.
"""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

ROUNDS = 5
ROOT = Path(__file__).resolve().parents[1]
PYTHON = sys.executable
KVPROOF = str(Path(PYTHON).parent / "kvproof")

PR_SET_CHILD_SUBREAPER = 36  # from linux/prctl.h

OK, FAILED, PEERS_ABSENT = 0, 1, 11


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one command: CPU and wall seconds, its memory's high-water mark, what it said."""

    cpu_seconds: float
    wall_seconds: float
    memory_bytes: int
    exit_code: int
    output: str


def timed(
    command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> Sample:
    """Run the command to its end with no input; `env` is added to ours; stderr is thrown away."""
    began = time.monotonic()
    child = subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert child.stdout is not None
    output = child.stdout.read()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - began
    cpu = used.ru_utime + used.ru_stime
    return Sample(cpu, wall, used.ru_maxrss * 1024, child.returncode, output)


def timed_with_workers(command: Sequence[str], *, env: Mapping[str, str] | None = None) -> Sample:
    """As `timed`, and the CPU time of processes that outlive the command is counted as well.

    A fork server, from which the proofs' workers come, ends after the process that started it. The
    caller must have no other children: every child that is left is waited for.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    sample = timed(command, env=env)
    while True:
        try:
            _, _, used = os.wait4(-1, 0)
        except ChildProcessError:
            return sample
        cpu = sample.cpu_seconds + used.ru_utime + used.ru_stime
        sample = replace(sample, cpu_seconds=cpu)


def taken_in_turns(
    contestants: Sequence[Callable[[], Sample]], *, rounds: int = ROUNDS
) -> list[list[Sample]]:
    """Samples of each contestant: all of them once, then all again, and so on."""
    samples: list[list[Sample]] = [[] for _ in contestants]
    for number in range(rounds):
        for run, kept in zip(contestants, samples, strict=True):
            kept.append(run())
        print(f"round {number + 1} of {rounds} done", file=sys.stderr)
    return samples


def median_cpu(samples: Iterable[Sample]) -> float:
    """The median of the CPU seconds."""
    return statistics.median(s.cpu_seconds for s in samples)


def median_wall(samples: Iterable[Sample]) -> float:
    """The median of the wall seconds."""
    return statistics.median(s.wall_seconds for s in samples)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table, so that it can be pasted into docs/benchmarks.md as it is."""
    widths = [max(len(row[k]) for row in (head, *rows)) for k in range(len(head))]
    for row in (head, ["-" * width for width in widths], *rows):
        print("| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |")
    print()


def against(target: str, *, met: bool) -> str:
    """A target and whether it was met."""
    return f"{target}: {'met' if met else 'NOT MET'}"


def machine() -> str:
    """The machine, its load and its tools, for the head of a report."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    version = timed([compiler, "--version"]).output.splitlines()[0] if compiler else "no C compiler"
    load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
    return (
        f"{_cpu_name()}, {os.cpu_count()} cores, load {load}; Python {platform.python_version()}; "
        f"{version}; {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC"
    )


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def heading(title: str, *, fixed: str, rounds: int = ROUNDS) -> None:
    """Print what is measured, on what, and what was held fixed."""
    print(f"## {title}\n")
    print(f"Machine: {machine()}")
    print(f"Held fixed: {fixed}")
    print(f"Median of {rounds}, contestants in turns.\n", flush=True)

"""Our explicit search against SPIN and a hand-written C++ search of the same model.

It fails if the three do not find the same states and transitions; it judges speed, not truth. The
peers are `peers/tiers.pml` and `peers/tiers.cpp`, written by hand; they check the same invariants
once a state and keep every state whole. Compiling is timed apart, because it is paid once.

Exit: 0 all ran and agree, 1 disagreement or a failed run, 11 a peer is absent (ours still ran).
"""

from __future__ import annotations

import argparse
import json
import math
import re
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

from measure import (
    FAILED,
    OK,
    PEERS_ABSENT,
    PYTHON,
    ROOT,
    ROUNDS,
    Sample,
    against,
    heading,
    median_cpu,
    table,
    taken_in_turns,
    timed,
)

PEERS = ROOT / "bench" / "peers"
BUILD = ROOT / "bench" / "build"
SIZES = {
    "1e6": {"P": 2, "S": 2, "R": 3, "REFS": 3, "PINS": 1, "K": 1, "T": 2},
    "1e7": {"P": 3, "S": 2, "R": 2, "REFS": 1, "PINS": 1, "K": 1, "T": 2},
}
CPP_FLAGS = ["-std=c++17", "-O2", "-march=native"]
PAN_FLAGS = ["-O2", "-march=native", "-DBFS", "-DSAFETY", "-DNOREDUCE", "-DMEMLIM=16000", "-w"]


@dataclass(slots=True)
class Contestant:
    """A program that searches: how it is started and how its answer is read."""

    name: str
    command: list[str]
    cwd: Path
    build_seconds: float
    samples: list[Sample] = field(default_factory=list)

    def run(self) -> Sample:
        """One search."""
        return timed(self.command, cwd=self.cwd)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one search found; `search_cpu` is the CPU time of the search proper."""

    states: int
    transitions: int
    search_cpu: float
    bytes_per_state: float


class Disagreement(Exception):
    """A contestant did not finish, or did not find what the others found."""


def macros(sizes: dict[str, int]) -> list[str]:
    return [f"-D{name}={value}" for name, value in sizes.items()]


def folder(label: str) -> Path:
    path = BUILD / label
    path.mkdir(parents=True, exist_ok=True)
    return path


def ours(sizes: dict[str, int], label: str) -> Contestant:
    given = [f"{name}={value}" for name, value in sizes.items()]
    script = str(ROOT / "bench" / "search_once.py")
    cache = folder(label) / "ours"
    shutil.rmtree(cache, ignore_errors=True)
    command = [PYTHON, script, str(cache), "1", *given]
    cold, warm = timed(command), timed(command)
    return Contestant("kvproof", command, ROOT, cold.cpu_seconds - warm.cpu_seconds)


def cpp(sizes: dict[str, int], label: str) -> Contestant | None:
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        return None
    where = folder(label)
    source = str(PEERS / "tiers.cpp")
    built = timed([compiler, *CPP_FLAGS, *macros(sizes), "-o", "tiers", source], cwd=where)
    return Contestant("C++ by hand", [str(where / "tiers")], where, built.cpu_seconds)


def spin(sizes: dict[str, int], label: str, states: int) -> Contestant | None:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if shutil.which("spin") is None or compiler is None:
        return None
    where = folder(label)
    made = timed(["spin", "-a", *macros(sizes), str(PEERS / "tiers.pml")], cwd=where)
    built = timed([compiler, *PAN_FLAGS, "-o", "pan", "pan.c"], cwd=where)
    slots = math.ceil(math.log2(states)) + 1
    command = [str(where / "pan"), "-n", f"-w{slots}", "-m10000000"]
    return Contestant("SPIN, breadth-first", command, where, made.cpu_seconds + built.cpu_seconds)


def read(contestant: Contestant, sample: Sample) -> Answer:
    """The contestant's answer; raises `Disagreement` where it did not search everything."""
    if sample.exit_code != 0:
        raise Disagreement(f"{contestant.name} exited {sample.exit_code}: {sample.output[-300:]}")
    if contestant.name == "kvproof":
        facts = json.loads(sample.output)
        if not facts["complete"] or facts["engine"] != "compiled":
            raise Disagreement(f"our search did not complete, compiled: {facts}")
        cpu, size = facts["cpu_seconds"], facts["bytes_per_state"]
        return Answer(facts["states"], facts["transitions"], cpu, size)
    if contestant.name == "C++ by hand":
        states, transitions, _, size = sample.output.split()
        return Answer(int(states), int(transitions), sample.cpu_seconds, float(size))
    return _read_pan(sample)


def _read_pan(sample: Sample) -> Answer:
    """SPIN counts the state before `init` and the two steps around it; and it may stop short."""
    said = sample.output
    if "errors: 0" not in said or re.search(r"too small|truncat|out of memory|memory exceed", said):
        raise Disagreement(f"SPIN did not search everything: {said[-600:]}")
    states = re.search(r"(\d+) states, stored", said)
    transitions = re.search(r"(\d+) transitions", said)
    memory = re.search(r"([\d.]+)\s+total actual memory usage", said)
    if not (states and transitions and memory):
        raise Disagreement(f"SPIN printed no counts: {said[-600:]}")
    count = int(states[1]) - 1
    size = float(memory[1]) * 2**20 / count
    return Answer(count, int(transitions[1]) - 2, sample.cpu_seconds, size)


def compare(label: str, rounds: int) -> bool:
    """One table for one size; whether every peer was there."""
    sizes = SIZES[label]
    our = ours(sizes, label)
    states = read(our, our.run()).states
    peers = {"C++": cpp(sizes, label), "SPIN": spin(sizes, label, states)}
    contestants = [our, *(peer for peer in peers.values() if peer is not None)]
    taken = taken_in_turns([c.run for c in contestants], rounds=rounds)
    for contestant, samples in zip(contestants, taken, strict=True):
        contestant.samples = samples
    answers = {c.name: [read(c, s) for s in c.samples] for c in contestants}
    found = {(a.states, a.transitions) for each in answers.values() for a in each}
    if len(found) != 1:
        raise Disagreement(f"states and transitions differ: {sorted(found)}")
    report(label, contestants, answers)
    for name, peer in peers.items():
        if peer is None:
            print(f"{name} is not on this machine: not measured, not met.\n")
    return all(peer is not None for peer in peers.values())


def report(label: str, contestants: list[Contestant], answers: dict[str, list[Answer]]) -> None:
    states, transitions = answers["kvproof"][0].states, answers["kvproof"][0].transitions
    print(f"### About {label}: {', '.join(f'{n}={v}' for n, v in SIZES[label].items())}\n")
    print(f"{states:,} states, {transitions:,} transitions, the same in all.\n")
    search = {n: sorted(a.search_cpu for a in each)[len(each) // 2] for n, each in answers.items()}
    ours_whole = median_cpu(contestants[0].samples)
    rows = []
    for contestant in contestants:
        cpu = search[contestant.name]
        rows.append(
            [
                contestant.name,
                f"{cpu:.2f}",
                f"{median_cpu(contestant.samples):.2f}",
                f"{states / cpu / 1e6:.2f} M",
                f"{cpu / search['kvproof']:.2f}",
                f"{median_cpu(contestant.samples) / ours_whole:.2f}",
                f"{answers[contestant.name][0].bytes_per_state:.1f}",
                f"{contestant.build_seconds:.1f}",
            ]
        )
    head = ["search", "CPU s", "process CPU s", "states/CPU s", "CPU against ours"]
    table([*head, "process against ours", "bytes/state", "compile CPU s"], rows)
    judge(search, answers["kvproof"][0].bytes_per_state)


def judge(search: dict[str, float], size: float) -> None:
    mine = search["kvproof"]
    if "SPIN, breadth-first" in search:
        ratio = search["SPIN, breadth-first"] / mine
        print("- " + against(f"at least 4 times SPIN's rate (here {ratio:.2f})", met=ratio >= 4))
    if "C++ by hand" in search:
        ratio = search["C++ by hand"] / mine
        print("- " + against(f"no slower than C++ by hand (here {ratio:.2f})", met=ratio >= 1))
    print("- " + against(f"at most 40 bytes a state (here {size:.1f})", met=size <= 40) + "\n")


def main() -> int:
    """Compare at the sizes asked for, smallest first."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=list(SIZES), action="append")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    heading(
        "Explicit search against SPIN and C++",
        fixed="sizes, breadth-first, every state stored whole, all invariants, assertions and "
        f"deadlock checked, one thread. C++ {' '.join(CPP_FLAGS)}; pan {' '.join(PAN_FLAGS)}",
        rounds=asked.rounds,
    )
    try:
        present = [compare(label, asked.rounds) for label in asked.size or SIZES]
    except Disagreement as failure:
        print(f"FAILED: {failure}")
        return FAILED
    return OK if all(present) else PEERS_ABSENT


if __name__ == "__main__":
    sys.exit(main())

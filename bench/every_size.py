"""The first designs proved for every size, and at stated sizes to show how each way grows.

It decides no proof; an obligation that a way leaves open is counted as such.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from measure import (
    KVPROOF,
    OK,
    ROUNDS,
    Sample,
    against,
    heading,
    median_cpu,
    median_wall,
    table,
    timed_with_workers,
)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to prove: its name, its arguments, and the wall seconds it should stay under."""

    name: str
    arguments: tuple[str, ...]
    seconds_max: float


WAYS = (
    Way("every size, all designs", ("--every-size",), 30),
    Way("tiers at 2+2", ("tiers", "--at-size", "--size", "P=2", "--size", "S=2"), 20),
    Way("tiers at 4+4", ("tiers", "--at-size", "--size", "P=4", "--size", "S=4"), 120),
)


def evidence(result: Path) -> str:
    """How many obligations ended in which class, from the result file."""
    if not result.exists():
        return "no result written"
    counted: Counter[str] = Counter()
    for one in json.loads(result.read_text())["obligations"]:
        counted[one["evidence"] if one["outcome"] == "holds" else one["outcome"]] += 1
    return ", ".join(f"{n} {name}" for name, n in sorted(counted.items()))


def main() -> int:
    """One row a way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    heading("Proofs by induction", fixed="2 processes, no cache", rounds=rounds)
    rows, judged = [], []
    for way in WAYS:
        samples: list[Sample] = []
        with tempfile.TemporaryDirectory() as home:
            result = Path(home) / "result.json"
            command = [KVPROOF, "prove", *way.arguments, "--no-cache", "--quiet", "--jobs", "2"]
            command += ["--json", str(result), "--runs", home]
            samples = [timed_with_workers(command) for _ in range(rounds)]
            ended = evidence(result)
        wall = median_wall(samples)
        codes = ", ".join(map(str, sorted({s.exit_code for s in samples})))
        rows.append([way.name, f"{wall:.1f}", f"{median_cpu(samples):.1f}", codes, ended])
        says = f"{way.name} under {way.seconds_max:.0f} s (here {wall:.1f})"
        judged.append("- " + against(says, met=wall < way.seconds_max))
    table(["what", "wall s", "CPU s", "exit", "obligations"], rows)
    print("\n".join(judged) + "\n")
    return OK


if __name__ == "__main__":
    sys.exit(main())

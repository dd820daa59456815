"""`kvproof prove` with default sizes: from nothing, and from the cache of that run."""

from __future__ import annotations

import argparse
import sys
import tempfile

from measure import (
    FAILED,
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


def main() -> int:
    """Print cold and cached times of all machines together."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("machines", nargs="*")
    asked = parser.parse_args()
    command = [KVPROOF, "prove", *asked.machines, "--quiet", "--jobs", "2"]
    heading("Proofs, cold and cached", fixed=" ".join(command[1:]), rounds=asked.rounds)
    cold: list[Sample] = []
    cached: list[Sample] = []
    for _ in range(asked.rounds):
        with tempfile.TemporaryDirectory() as home:
            place = {"XDG_CACHE_HOME": home}
            cold.append(timed_with_workers([*command, "--runs", f"{home}/runs"], env=place))
            cached.append(timed_with_workers([*command, "--runs", f"{home}/runs"], env=place))
    codes = {s.exit_code for s in cold + cached}
    rows = [
        [name, f"{median_wall(samples):.1f}", f"{median_cpu(samples):.1f}"]
        for name, samples in (("cold", cold), ("cached", cached))
    ]
    table(["run", "wall s", "CPU s"], rows)
    first, second = median_wall(cold), median_wall(cached)
    print("- " + against(f"cold under 60 s on 2 cores (here {first:.1f})", met=first < 60))
    print("- " + against(f"cached under 3 s (here {second:.1f})", met=second < 3))
    print(f"- exit codes: {sorted(codes)} (0: every obligation reached its class)\n")
    return OK if codes == {0} else FAILED


if __name__ == "__main__":
    sys.exit(main())

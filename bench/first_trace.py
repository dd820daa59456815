"""From the shell to the shortest counterexample of S1.1, Python's start included."""

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
    taken_in_turns,
    timed,
)

VIOLATION = 1


def main() -> int:
    """Time `kvproof explore s1-1` with nothing kept from earlier runs, and with the cache."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    heading(
        "Time to the first trace", fixed="kvproof explore s1-1, output in a pipe", rounds=rounds
    )
    with tempfile.TemporaryDirectory() as runs:
        command = [KVPROOF, "explore", "s1-1", "--quiet", "--runs", runs]

        def cold() -> Sample:
            return timed([*command, "--no-cache"])

        def warm() -> Sample:
            return timed(command)

        taken = taken_in_turns([cold, warm], rounds=rounds)
    if any(s.exit_code != VIOLATION or "fails in" not in s.output for each in taken for s in each):
        print(f"FAILED: no counterexample was printed: {taken[0][0].output[-500:]}")
        return FAILED
    names = ["nothing kept", "with the cache"]
    rows = [
        [name, f"{median_wall(samples):.2f}", f"{median_cpu(samples):.2f}"]
        for name, samples in zip(names, taken, strict=True)
    ]
    table(["run", "wall s", "CPU s"], rows)
    wall = median_wall(taken[0])
    print("- " + against(f"under 1.5 s (here {wall:.2f} s of wall time)", met=wall < 1.5) + "\n")
    return OK


if __name__ == "__main__":
    sys.exit(main())

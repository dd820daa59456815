"""Every bench, one after the other, as docs/benchmarks.md shows them; `make bench` runs this."""

from __future__ import annotations

import subprocess
import sys

from measure import FAILED, OK, PEERS_ABSENT, PYTHON, ROOT

SCRIPTS = (
    "start_up",
    "first_trace",
    "explore_vs_peers",
    "two_cores",
    "every_size",
    "prove",
    "schedules",
    "lockstep",
    "litmus",
    "staging",
    "linear",
    "threads",
)


def main(arguments: list[str]) -> int:
    """Run each with the same arguments; the worst exit code wins."""
    codes = []
    for script in SCRIPTS:
        command = [PYTHON, str(ROOT / "bench" / f"{script}.py"), *arguments]
        codes.append(subprocess.run(command, check=False).returncode)
    if any(code not in (OK, PEERS_ABSENT) for code in codes):
        return FAILED
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

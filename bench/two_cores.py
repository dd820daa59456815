"""The same search on one core and on two: how much sooner it ends.

It decides nothing about the count, which must be the same. Wall time is what counts here, so the
figure means something only on a machine with two idle cores; the load is printed with it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile

from measure import (
    FAILED,
    OK,
    PYTHON,
    ROOT,
    ROUNDS,
    Sample,
    against,
    heading,
    table,
    taken_in_turns,
    timed,
)

SIZES = ["P=3", "S=2", "R=2", "REFS=1", "PINS=1", "K=1", "T=2"]


def main() -> int:
    """Print both times and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    heading("Two cores", fixed=f"the tiered pool at {', '.join(SIZES)}", rounds=rounds)
    with tempfile.TemporaryDirectory() as cache:
        script = str(ROOT / "bench" / "search_once.py")

        def search(threads: int) -> Sample:
            return timed([PYTHON, script, cache, str(threads), *SIZES])

        search(1)
        taken = taken_in_turns([lambda: search(1), lambda: search(2)], rounds=rounds)
    facts = [[json.loads(s.output) for s in samples] for samples in taken]
    if len({(f["states"], f["transitions"]) for each in facts for f in each}) != 1:
        print(f"FAILED: one and two threads differ: {facts}")
        return FAILED
    wall = [statistics.median(f["seconds"] for f in each) for each in facts]
    cpu = [statistics.median(f["cpu_seconds"] for f in each) for each in facts]
    states = facts[0][0]["states"]
    rows = [
        [str(k + 1), f"{wall[k]:.2f}", f"{cpu[k]:.2f}", f"{states / wall[k] / 1e6:.2f} M"]
        for k in range(2)
    ]
    print(f"{states:,} states.\n")
    table(["threads", "wall s", "CPU s", "states/wall s"], rows)
    ratio = wall[0] / wall[1]
    print("- " + against(f"two at least 1.6 times one (here {ratio:.2f})", met=ratio >= 1.6))
    print(f"- load when done: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    return OK


if __name__ == "__main__":
    sys.exit(main())

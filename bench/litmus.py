"""The figures of docs/litmus.md: the suite's time on sim, and what one run foretells of many.

Usage: python bench/litmus.py [PROGRAMS], 2000 unless told.
"""

from __future__ import annotations

import sys
import time

from kvcheck.litmus import SUITE, on_sim
from kvcheck.litmus.draw import foretell


def main() -> int:
    began = time.perf_counter()
    runs = sum(on_sim(test.program).runs for test in SUITE.values())
    print(f"suite: {len(SUITE)} programs, {runs} runs, {time.perf_counter() - began:.2f} s")
    began = time.perf_counter()
    told = foretell(range(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000))
    print(f"{told}, {time.perf_counter() - began:.1f} s")
    return 1 if told.missed else 0


if __name__ == "__main__":
    sys.exit(main())

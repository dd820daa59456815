"""One explicit search of the tiered pool in a process of its own; prints one JSON line.

The contestant of `explore_vs_peers.py` and `two_cores.py`. The compiled engine's library comes from
the folder named first, so that a second run measures the search and not the C compiler, as the
peers' figures do.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from kvcheck.explore.options import Engine, Options
from kvcheck.explore.search import explore
from kvspec.models.tiers import TieredPool


def main(cache_dir: str, threads: str, *sizes: str) -> None:
    """`sizes` read like P=2."""
    given = {name: int(value) for name, value in (size.split("=") for size in sizes)}
    options = Options(engine=Engine.COMPILED, threads=int(threads), cache_dir=Path(cache_dir))
    result = explore(TieredPool.instance(**given), options)
    facts = {
        "states": result.states,
        "transitions": result.transitions,
        "depth": result.depth,
        "complete": result.complete and not result.findings,
        "cpu_seconds": result.cpu_seconds,
        "seconds": result.seconds,
        "bytes_per_state": result.bytes_per_state,
        "engine": result.engine,
        "note": result.engine_note,
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main(*sys.argv[1:])

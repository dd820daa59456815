"""What this machine gives a search: cores and memory.

It decides the defaults only; a caller who says how much is taken at their word. A container's limit
counts as much as the machine's, because beyond it the process is killed without a word.
"""

from __future__ import annotations

import os
from pathlib import Path

MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")
FALLBACK_BYTES = 2 << 30


def cores() -> int:
    """The cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_for_search(*, meminfo: Path = MEMINFO, cgroup: Path = CGROUP) -> int:
    """Three quarters of the memory that can be had without swapping or being killed."""
    found = [_available(meminfo), _left_in_group(cgroup)]
    return min([amount for amount in found if amount is not None], default=FALLBACK_BYTES) // 4 * 3


def _available(meminfo: Path) -> int | None:
    try:
        lines = meminfo.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    for line in lines:
        name, _, rest = line.partition(":")
        if name == "MemAvailable":
            return int(rest.split()[0]) * 1024
    return None


def _left_in_group(cgroup: Path) -> int | None:
    try:
        most = (cgroup / "memory.max").read_text(encoding="ascii").strip()
        used = (cgroup / "memory.current").read_text(encoding="ascii").strip()
    except OSError:
        return None
    return None if most == "max" else max(0, int(most) - int(used))

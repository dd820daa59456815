"""Conjuncts that no run of the right manager can see go false, each with its reason.

It decides what a campaign need not meet; anything else that is not met makes it inconclusive. A
test holds that each entry is really never met and that every other name is.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_LOOKED_UP = "`acquire` looks blocks up by key, so what it finds is cached."

UNMET: Mapping[str, str] = MappingProxyType(
    {
        "false onboard: it is cached": _LOOKED_UP,
        "false reuse: it is cached": _LOOKED_UP,
        "false reuse: it is in device memory": (
            "A hit in host memory is onboarded, so reuse is never asked for it."
        ),
        "false offload_allocate: a primary block is free": (
            "`allocate` looks for a primary block first, and refuses as `allocate`."
        ),
        "false expire: it awaits expiry": (
            "`refresh` finds no block that is due, which is no refusal and is not reported."
        ),
        "false complete: a copy is in flight": (
            "`poll` finds no copy to complete, which is no refusal and is not reported."
        ),
    }
)
"""By the name in a run's coverage."""

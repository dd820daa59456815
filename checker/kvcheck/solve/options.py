"""What a caller may choose about solving: time, work, seed, logic, and how far to minimise.

It decides no result; every field is part of the proof cache's key. `resource_limit` bounds Z3's
own count of work and gives the same answer on every machine; `timeout_seconds` is a watchdog.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Logic(Enum):
    """The Z3 solver for bits and bit-vectors: its SAT core with cardinalities, or bit-blasting."""

    FINITE_DOMAIN = "QF_FD"
    BIT_VECTORS = "QF_BV"


@dataclass(frozen=True, slots=True, kw_only=True)
class SolveOptions:
    """Options of one query; a limit of 0 is no limit.

    `minimise_work` is spent on making a counterexample small, `minimise_check_work` of it at most
    on one wish, both in Z3's count.
    """

    timeout_seconds: float = 60.0
    resource_limit: int = 0
    seed: int = 0
    logic: Logic = Logic.FINITE_DOMAIN
    minimise_work: int = 20_000_000
    minimise_check_work: int = 1_000_000

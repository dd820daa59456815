"""Litmus programs: what CUDA's streams permit, said three times and compared."""

from __future__ import annotations

from kvcheck.litmus.on_device import run_on
from kvcheck.litmus.on_sim import Seen, on_sim
from kvcheck.litmus.program import Outcome, Program
from kvcheck.litmus.suite import SUITE, TABLES, Litmus

__all__ = ["SUITE", "TABLES", "Litmus", "Outcome", "Program", "Seen", "on_sim", "run_on"]

"""Explains what a simulated device found: what is unordered, why nothing orders it, what would."""

from __future__ import annotations

from kvcheck.race.applied import Repair
from kvcheck.race.between import Gap, Hint, Pair
from kvcheck.race.journal import Call, Does, Journal
from kvcheck.race.noted import NotedDevice
from kvcheck.race.notes import Notes
from kvcheck.race.order import Node, Order
from kvcheck.race.repairs import orders, rerun
from kvcheck.race.report import RaceReport, explained
from kvcheck.race.runs import NotedRun, noted_run

__all__ = [
    "Call",
    "Does",
    "Gap",
    "Hint",
    "Journal",
    "Node",
    "NotedDevice",
    "NotedRun",
    "Notes",
    "Order",
    "Pair",
    "RaceReport",
    "Repair",
    "explained",
    "noted_run",
    "orders",
    "rerun",
]

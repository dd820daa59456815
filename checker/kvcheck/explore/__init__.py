"""Explicit-state search: every reachable state of one instance, breadth-first."""

from kvcheck.explore.layout import LayoutError
from kvcheck.explore.options import (
    AfterViolation,
    Coverage,
    Deadlock,
    Engine,
    Options,
    Progress,
    Symmetry,
)
from kvcheck.explore.result import (
    ActionCount,
    ConjunctCount,
    ExploreResult,
    Found,
    Stopped,
    obligation_results,
)
from kvcheck.explore.search import explore

__all__ = [
    "ActionCount",
    "AfterViolation",
    "ConjunctCount",
    "Coverage",
    "Deadlock",
    "Engine",
    "ExploreResult",
    "Found",
    "LayoutError",
    "Options",
    "Progress",
    "Stopped",
    "Symmetry",
    "explore",
    "obligation_results",
]

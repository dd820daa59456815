"""An implementation and its design side by side: every reported step is taken in both."""

from __future__ import annotations

from kvcheck.lockstep.judge import Judge, OnRefusal
from kvcheck.lockstep.kept import design_for, kept
from kvcheck.lockstep.refusal import (
    Conjunct,
    Disagreement,
    Nearest,
    Reason,
    Refusal,
    Refused,
    text_of,
)
from kvcheck.lockstep.tiers import Design, TooManyRequests, UnjudgeableShape, tiers

__all__ = [
    "Conjunct",
    "Design",
    "Disagreement",
    "Judge",
    "Nearest",
    "OnRefusal",
    "Reason",
    "Refusal",
    "Refused",
    "TooManyRequests",
    "UnjudgeableShape",
    "design_for",
    "kept",
    "text_of",
    "tiers",
]

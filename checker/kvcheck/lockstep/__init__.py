"""An implementation and its design side by side: every reported step is taken in both."""

from __future__ import annotations

from kvcheck.lockstep.judge import Judge, OnRefusal, Witness
from kvcheck.lockstep.kept import design_for, kept
from kvcheck.lockstep.order import WatchedDevice
from kvcheck.lockstep.payload import Payload, Tag, tag_in
from kvcheck.lockstep.recorded import judge_recorded
from kvcheck.lockstep.refusal import (
    Conjunct,
    Disagreement,
    Nearest,
    Reason,
    Refusal,
    Refused,
    text_of,
)
from kvcheck.lockstep.staged_copied import staging_v1
from kvcheck.lockstep.staged_gathered import staging_v2
from kvcheck.lockstep.staged_judge import StagedJudge
from kvcheck.lockstep.staged_watch import ShipmentWatch
from kvcheck.lockstep.tiers import Design, TooManyRequests, UnjudgeableShape, tiers

__all__ = [
    "Conjunct",
    "Design",
    "Disagreement",
    "Judge",
    "Nearest",
    "OnRefusal",
    "Payload",
    "Reason",
    "Refusal",
    "Refused",
    "ShipmentWatch",
    "StagedJudge",
    "Tag",
    "TooManyRequests",
    "UnjudgeableShape",
    "WatchedDevice",
    "Witness",
    "design_for",
    "judge_recorded",
    "kept",
    "staging_v1",
    "staging_v2",
    "tag_in",
    "text_of",
    "tiers",
]

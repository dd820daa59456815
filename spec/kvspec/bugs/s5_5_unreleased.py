"""S5.5: a request ends, and its slot is not among the free ones again."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.staging import Slot
from kvspec.models.staging_v2 import GatheredRows


class Unreleased(GatheredRows):
    """The request is forgotten, and the slot that it had is not given back."""

    def release(self, s: Slot) -> None:
        self.taken[s] = True


BUG = Bug(
    id="s5-5-unreleased",
    row="S5.5",
    design="staging-v2",
    machine=Unreleased,
    source="a mutant of TensorRT-LLM IndexMapper::removeSequence, which gives the slot back",
    sentence="Slots are lost one by one, until no request finds one.",
    breaks=("taken_slots_are_bound", "deadlock"),
    sizes={"R": 1},
)

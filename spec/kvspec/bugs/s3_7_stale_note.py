"""S3.7: what a complete copy takes off the map of pending writes is not what was put there."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.remote import SharedPool, Stream


class StaleNote(SharedPool):
    """A write is noted by its target, and its note taken away by its source."""

    @action
    def complete(self, c: Stream) -> None:
        "A copy is complete, and nobody is told."
        require("it is in flight", self.flying[c])
        self.flying[c] = False
        self.noted[self.source[c]] = False


BUG = Bug(
    id="s3-7-stale-note",
    row="S3.7",
    design="remote",
    machine=StaleNote,
    source="cf. TensorRT-LLM fork PR #3, R4: its map of pending writes",
    sentence="Whoever is told that slot waits for a copy that was complete long ago.",
    breaks=("notes_end_with_their_copy",),
    sizes={"P": 1, "S": 1},
    killed_by=("explicit",),
)

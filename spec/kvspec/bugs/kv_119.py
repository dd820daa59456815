"""KV-119: a reader sees that an object is there, and reads it later without a second look."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.objects import Key, ObjectStore


class NoSecondLook(ObjectStore):
    """What was in the index under the lock is taken to be there after it."""

    def is_there_still(self, k: Key) -> bool:
        return True


BUG = Bug(
    id="kv-119",
    row="KV-119",
    design="objects",
    machine=NoSecondLook,
    source="LMCache issue #2420, PRs #4405 and #5228: the disk was read without the lock",
    sentence="The object was evicted between the look and the read, and the reader fails.",
    breaks=("open",),
    sizes={"N": 1, "S": 1},
)

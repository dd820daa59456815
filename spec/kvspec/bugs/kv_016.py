"""KV-016: letting go asks whether the object is pinned; unpinning does not ask who else is left."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.lang import action, require
from kvspec.models.objects import ObjectStore


class UnpinNeverFrees(ObjectStore):
    """Only the reference count gives memory back."""

    @action
    def done(self) -> None:
        "The oldest offload is done, and the pin is gone."
        require("an offload is queued", len(self.queue) > 0)
        s = self.queue.pop()
        self.pins[s] -= 1


BUG = Bug(
    id="kv-016",
    row="KV-016",
    design="objects",
    machine=UnpinNeverFrees,
    source="LMCache issue #1130, mended by PR #1173",
    sentence="A slot whose last pin goes after its last reference is never free again.",
    breaks=("unused_is_free",),
    sizes={"N": 1, "S": 1},
)

"""KV-040: a fill asks whether the object is there, and not whether it is the same."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.fills import Fill, HotCopies


class AsksForTheKey(HotCopies):
    """A key that was written again, or removed and written again, passes for what was read."""

    def may_publish(self, f: Fill) -> bool:
        return self.stored[self.fill_key[f]]


BUG = Bug(
    id="kv-040-replaced",
    row="KV-040",
    design="fills",
    machine=AsksForTheKey,
    source="Mooncake PR #2447: an upsert while the fill is under way",
    sentence="A read after an update is answered with the old content.",
    breaks=("hot_is_current",),
    sizes={"V": 2, "F": 1},
)

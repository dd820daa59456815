"""KV-040: a fill publishes what it read, whatever has become of the object since."""

from __future__ import annotations

from kvspec.bugs.bug import Bug
from kvspec.models.fills import Fill, HotCopies


class PublishesWhatItRead(HotCopies):
    """Nothing is looked at again."""

    def may_publish(self, f: Fill) -> bool:
        return True


BUG = Bug(
    id="kv-040",
    row="KV-040",
    design="fills",
    machine=PublishesWhatItRead,
    source="Mooncake PR #2447: the local hot cache had no generation",
    sentence="A read after a removal is answered with the object that was removed.",
    breaks=("hot_is_current",),
    sizes={"V": 1, "F": 1},
)

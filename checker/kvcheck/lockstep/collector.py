"""How often Python looks for cycles of garbage while steps are judged.

It decides that only, for the time of a run. The idea: a judged step makes dozens of small tuples
and no cycles, so looking through them every few hundred allocations finds nothing and costs a good
part of the run. What does make cycles is still collected, only later.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG_OBJECTS = 100_000
"""Objects that may pile up before the young ones are looked through; Python's own is 700."""


@contextmanager
def rare_collections() -> Iterator[None]:
    """Collect rarely, and not among what is there already; afterwards as before."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()

"""While steps are judged garbage is looked for rarely, and afterwards as before."""

from __future__ import annotations

import gc

import pytest

from kvcheck.lockstep.collector import YOUNG_OBJECTS, rare_collections


def test_collections_are_rare_inside_and_as_before_outside() -> None:
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    with rare_collections():
        assert gc.get_threshold() == (YOUNG_OBJECTS, *before[1:])
        assert gc.get_freeze_count() > frozen
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_they_are_as_before_after_an_error_too() -> None:
    before = gc.get_threshold()
    with pytest.raises(KeyError), rare_collections():
        raise KeyError
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_what_makes_cycles_is_still_collected() -> None:
    class Link:
        made = 0

        def __init__(self) -> None:
            Link.made += 1
            self.self = self

        def __del__(self) -> None:
            Link.made -= 1

    with rare_collections():
        for _ in range(3 * YOUNG_OBJECTS):
            Link()
        assert Link.made < 2 * YOUNG_OBJECTS

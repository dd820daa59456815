"""Readings of designs as calls: the warm-up, the silent calls, and what has no call."""

from __future__ import annotations

import pytest

from kvcheck.bridge.contents import is_wanted, warm_up
from kvcheck.bridge.execute import execute, model_of
from kvcheck.bridge.player import play
from kvcheck.bridge.readings import READINGS
from kvcheck.bridge.script import WARM_UP, Call, Script, Verb, making
from kvcheck.trace.path import Move, Path
from kvimpl.blocks import BlockManager
from kvspec.lang.concrete import initial_states
from kvspec.models import MACHINES

SHAPES = [(1, 1), (2, 1), (1, 2), (2, 3), (3, 2), (1, 3)]


def script_of(design: str, sizes: dict[str, int], *moves: tuple[str, tuple[int, ...]]) -> Script:
    "The script of a run of the right design."
    model = model_of(MACHINES[design], sizes)
    (start,) = initial_states(model)
    path = Path(start, tuple(Move(name, arguments) for name, arguments in moves))
    return READINGS[design].script(model, path)


def silent_words(script: Script) -> list[str]:
    "The silent calls, each behind its step."
    return [f"{call.first} {call.words}" for call in script if call.is_silent]


def pins_of(blocks: range) -> tuple[Call, ...]:
    "A pin of each block, which needs content."
    return tuple(making(Verb.PIN, n, "pin", block=b) for n, b in enumerate(blocks, 1))


@pytest.mark.parametrize(("primary", "secondary"), SHAPES)
def test_a_warm_up_gives_all_blocks_content_and_ends_in_slot_order(
    primary: int, secondary: int
) -> None:
    blocks = range(primary + secondary)
    calls = warm_up(primary, secondary, frozenset(blocks))
    settings = READINGS["pins"].settings({"P": primary, "S": secondary})
    played = play(BlockManager, settings, calls + pins_of(blocks), is_exact=True)
    assert (played.stopped, played.refusal) == ("", None)
    assert played.step_count == len(blocks)


@pytest.mark.parametrize(("primary", "secondary"), SHAPES)
def test_a_warm_up_commits_device_blocks_only_where_wanted(primary: int, secondary: int) -> None:
    last = primary + secondary - 1
    calls = warm_up(primary, secondary, frozenset({last}))
    settings = READINGS["pins"].settings({"P": primary, "S": secondary})
    pins = pins_of(range(last, last + 1)), pins_of(range(1))
    host, device = (play(BlockManager, settings, calls + own, is_exact=True) for own in pins)
    assert (host.stopped, host.step_count) == ("", 1)
    assert "no caller can name it" in device.stopped


def test_a_warm_up_that_leaves_another_order_is_noticed() -> None:
    calls = warm_up(2, 1, frozenset({0, 1}))
    assert [call.verb for call in calls[-2:]] == [Verb.RELEASE, Verb.RELEASE]
    swapped = (*calls[:-2], calls[-1], calls[-2])
    settings = READINGS["pins"].settings({"P": 2, "S": 1})
    played = play(BlockManager, settings, swapped + pins_of(range(1)), is_exact=True)
    assert "leaves the free slots in the order [1, 0, 2]" in played.stopped
    assert played.step_count == 0


def test_no_content_is_wanted_without_a_use_and_the_next_use_decides() -> None:
    uses = ((2, 0, False), (4, 0, True))
    assert not is_wanted(uses, 1, WARM_UP)
    assert not is_wanted(uses, 0, WARM_UP)
    assert is_wanted(uses, 0, 2)
    assert not is_wanted(uses, 0, 4)


def test_a_block_is_committed_before_its_release_only_if_it_is_pinned_or_moved_next() -> None:
    run = (("allocate", ()), ("release", (0,)))
    sizes = {"P": 1, "S": 1}
    assert silent_words(script_of("pins", sizes, *run, ("pin", (0,)))) == ["2 commit of block 0"]
    assert silent_words(script_of("pins", sizes, *run, ("allocate", ()))) == []
    assert silent_words(script_of("pins", sizes, *run)) == []


def test_runs_of_pins_are_played_to_their_end_on_the_right_manager() -> None:
    sizes = {"P": 1, "S": 1}
    run = (
        ("offload", ()),
        ("pin", (1,)),
        ("release", (1,)),
        ("unpin", (1,)),
        ("onboard", (0,)),
        ("release", (0,)),
        ("pin", (0,)),
    )
    calls = script_of("pins", sizes, *run)
    played = play(BlockManager, READINGS["pins"].settings(sizes), calls, is_exact=True)
    assert (played.stopped, played.refusal, played.step_count) == ("", None, len(run))


def test_the_calls_of_a_pin_of_a_host_block_warm_it_up_by_an_offload() -> None:
    calls = execute("s1-5").script
    warm = [call.words for call in calls if call.first == WARM_UP]
    assert warm == [
        "allocate",
        "commit of block 0",
        "release of block 0",
        "allocate",
        "the device runs, then poll",
        "release of block 0",
    ]
    assert [call.words for call in calls if not call.is_silent] == ["pin of block 1"]

"""Readings of designs as calls: the warm-up, the silent calls, and what has no call."""

from __future__ import annotations

from itertools import product

import pytest

from kvcheck.bridge.contents import is_wanted, warm_up
from kvcheck.bridge.execute import execute, model_of
from kvcheck.bridge.player import play
from kvcheck.bridge.readings import READINGS, copies, offload
from kvcheck.bridge.script import WARM_UP, Call, Script, Unplayable, Verb, making
from kvcheck.trace.path import Move, Path
from kvimpl.blocks import BlockManager
from kvspec.lang.concrete import Stepped, initial_states, step
from kvspec.models import MACHINES

SHAPES = [(1, 1), (2, 1), (1, 2), (2, 3), (3, 2), (1, 3)]


def script_of(design: str, sizes: dict[str, int], *moves: tuple[str, tuple[int, ...]]) -> Script:
    "The script of a run of the right design."
    model = READINGS[design].narrow(model_of(MACHINES[design], sizes))
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


RUNS = {
    "pins": (
        ("offload", ()),
        ("pin", (1,)),
        ("release", (1,)),
        ("unpin", (1,)),
        ("onboard", (0,)),
        ("release", (0,)),
        ("pin", (0,)),
    ),
    "retention": (
        ("offload_allocate", (2, 1)),
        ("release", (1,)),
        ("expire", (1,)),
        ("reuse", (1,)),
        ("release", (1,)),
        ("offload_allocate", (0, 0)),
        ("release", (0,)),
        ("allocate", (1, 0)),
    ),
    "copies": (
        ("begin_step", ()),
        ("copy", (0, 1, 0, 1)),
        ("end_step", (1,)),
        ("begin_step", ()),
        ("end_step", (2,)),
    ),
}
"""A run of each right design at one slot a level, of most of its actions."""


@pytest.mark.parametrize("design", RUNS)
def test_a_run_of_the_right_design_is_played_to_its_end_on_the_right_manager(design: str) -> None:
    sizes = {"W": 3, "S": 2} if design == "copies" else {"P": 1, "S": 1}
    played = play(
        BlockManager,
        READINGS[design].settings(sizes),
        script_of(design, sizes, *RUNS[design]),
        is_exact=True,
    )
    assert (played.stopped, played.refusal) == ("", None)
    assert played.step_count == len(RUNS[design])


def test_content_that_a_run_uses_and_then_forgets_with_room_in_host_memory_has_no_calls() -> None:
    sizes = {"P": 1, "S": 1}
    calls = script_of("retention", sizes, ("reuse", (0,)), ("release", (0,)), ("allocate", (1, 0)))
    played = play(BlockManager, READINGS["retention"].settings(sizes), calls, is_exact=True)
    assert "did offload_allocate where the run has allocate" in played.stopped
    assert played.step_count == 2


def test_time_passes_only_where_the_run_has_an_expiry() -> None:
    sizes = {"P": 1, "S": 1}
    run = (("allocate", (0, 1)), ("release", (0,)), ("expire", (0,)))
    calls = script_of("retention", sizes, *run)
    settings = READINGS["retention"].settings(sizes)
    assert play(BlockManager, settings, calls, is_exact=True).step_count == 3
    early = (calls[0], making(Verb.EXPIRE, 2, "expire", block=0))
    assert (
        "did nothing where the run has expire"
        in play(BlockManager, settings, early, is_exact=True).stopped
    )


def test_a_copy_to_the_device_is_an_acquisition_of_the_block_that_is_there() -> None:
    sizes = {"W": 3, "S": 2}
    run = (("begin_step", ()), ("copy", (0, 0, 1, 0)), ("end_step", (1,)))
    calls = script_of("copies", sizes, *run)
    assert [call.verb for call in calls if not call.is_silent] == [
        Verb.BEGIN_STEP,
        Verb.ACQUIRE,
        Verb.END_STEP,
    ]
    played = play(BlockManager, READINGS["copies"].settings(sizes), calls, is_exact=True)
    assert (played.stopped, played.refusal, played.step_count) == ("", None, 3)


def test_a_copy_that_the_manager_sends_elsewhere_is_no_reading() -> None:
    sizes = {"W": 2, "S": 4}
    run = (("begin_step", ()), ("copy", (0, 1, 1, 3)), ("copy", (1, 1, 0, 2)))
    calls = script_of("copies", sizes, *run)
    played = play(BlockManager, READINGS["copies"].settings(sizes), calls, is_exact=True)
    assert "sent the copies [(1, 0, 2)] where the run has (1, 1, 3)" in played.stopped


def test_callers_send_copies_in_the_direction_of_their_stream_only() -> None:
    model = READINGS["copies"].narrow(model_of(MACHINES["copies"], {"W": 2, "S": 2}))
    actions = {action.name: action for action in model.actions}
    (start,) = initial_states(model)
    begun = step(model, start, actions["begin_step"], ())
    assert isinstance(begun, Stepped)
    sent = [
        arguments
        for arguments in product((0,), range(2), range(2), range(2))
        if isinstance(step(model, begun.state, actions["copy"], arguments), Stepped)
    ]
    assert sent == [(0, 0, 1, 0), (0, 1, 0, 1)]


def test_what_the_device_does_by_itself_has_no_call() -> None:
    with pytest.raises(Unplayable, match="step 1, start: the device does this by itself"):
        copies.script(
            READINGS["copies"].narrow(model_of(MACHINES["copies"], {"W": 2, "S": 2})),
            Path((), (Move("start", (0,)),)),
        )


WHOLE = tuple((name, ()) for name in offload.LINES)


def test_the_seven_lines_of_an_offload_are_one_call_and_a_part_of_them_too() -> None:
    sizes = {"P": 1, "S": 1}
    run = (*WHOLE, ("release", (1,)), *WHOLE[:3])
    calls = script_of("offload", sizes, *run)
    spans = [(call.first, call.last) for call in calls if not call.is_silent]
    assert spans == [(1, 7), (8, 8), (9, 11)]
    played = play(BlockManager, READINGS["offload"].settings(sizes), calls, is_exact=True)
    assert (played.stopped, played.refusal, played.step_count) == ("", None, len(run))


def test_a_release_in_the_middle_of_an_allocation_has_no_call() -> None:
    run = (("allocate", ()), *WHOLE[:2], ("release", (0,)))
    with pytest.raises(Unplayable, match="step 4, release: it comes in the middle"):
        script_of("offload", {"P": 2, "S": 1}, *run)

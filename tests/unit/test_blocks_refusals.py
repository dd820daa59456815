"""Each refusal is three sentences and leaves no effect: the state shown is the same before it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from block_bench import A, B, Bench, C, Hands, bench, key
from still_device import StillDevice

from kvimpl.blocks import BlockManager, Keep, PoolSettings, errors
from kvimpl.blocks.errors import BlockError
from kvimpl.device.port.errors import DeviceFailed, LaunchFailed
from kvspec.events import Key

Wrong = Callable[[Bench], object]


def full(at: Bench) -> object:
    at.manager.allocate(B)
    at.manager.allocate(B)
    return at.manager.allocate(C)


def released_twice(at: Bench) -> object:
    handle = at.manager.allocate(A)
    at.manager.release(handle, A)
    return at.manager.release(handle, A)


def of_another_request(at: Bench) -> object:
    return at.manager.release(at.manager.allocate(A), B)


def stale(at: Bench) -> object:
    handle = at.manager.allocate(A)
    at.manager.release(handle, A)
    at.manager.allocate(B)
    at.manager.allocate(B)
    return at.manager.release(handle, A)


def stale_to_look_at(at: Bench) -> object:
    handle = at.manager.allocate(A)
    at.manager.release(handle, A)
    at.manager.allocate(B)
    at.manager.allocate(B)
    return at.manager.view(handle)


def foreign(at: Bench) -> object:
    return at.manager.release(bench(2, 1).manager.allocate(A), A)


def foreign_pin(at: Bench) -> object:
    other = bench(2, 1)
    return at.manager.unpin(other.manager.pin(other.manager.allocate(A)))


def unpinned_twice(at: Bench) -> object:
    receipt = at.manager.pin(at.manager.allocate(A))
    at.manager.unpin(receipt)
    return at.manager.unpin(receipt)


def pinned_without_content(at: Bench) -> object:
    handle = at.manager.allocate(A)
    at.manager.release(handle, A)
    return at.manager.pin(handle)


def pinned_too_often(at: Bench) -> object:
    handle = at.manager.allocate(A)
    return [at.manager.pin(handle) for _ in range(3)]


def referenced_too_often(at: Bench) -> object:
    at.cached("x")
    at.hit("x", A)
    handle = at.hit("x", B)
    return [at.manager.pin(handle) for _ in range(2)]


def acquired_twice(at: Bench) -> object:
    at.cached("x")
    return [at.hit("x", A) for _ in range(2)]


def committed_twice(at: Bench) -> object:
    handle = at.manager.allocate(A)
    at.manager.commit(handle, A, key("x"))
    return at.manager.commit(handle, A, key("y"))


def committed_in_a_copy(at: Bench) -> object:
    at.cached("x")
    at.cached("y")
    return at.manager.commit(at.manager.allocate(A), A, key("z"))


def committed_under_no_key(at: Bench) -> object:
    return at.manager.commit(at.manager.allocate(A), A, Key(b""))


def step_in_a_step(at: Bench) -> object:
    return at.manager.begin_step()


def step_ended_twice(at: Bench) -> object:
    at.manager.end_step()
    return at.manager.end_step()


def allocated_outside_a_step(at: Bench) -> object:
    at.manager.end_step()
    return at.manager.allocate(A)


def acquired_outside_a_step(at: Bench) -> object:
    at.cached("x")
    at.manager.end_step()
    return at.manager.acquire(A, key("x"))


def kept_at_no_priority(at: Bench) -> object:
    return at.manager.allocate(A, keep=Keep(priority=1))


def kept_for_ever_in_seconds(at: Bench) -> object:
    return at.manager.allocate(A, keep=Keep(priority=0, seconds=float("inf")))


def kept_for_no_number(at: Bench) -> object:
    return at.manager.allocate(A, keep=Keep(priority=0, seconds=float("nan")))


def closed_in_use(at: Bench) -> object:
    at.manager.allocate(A)
    return at.manager.close()


def closed_while_pinned(at: Bench) -> object:
    at.cached("x")
    at.manager.pin_key(key("x"))
    return at.manager.close()


CASES: list[tuple[Wrong, type[BlockError], str]] = [
    (full, errors.NoFreeBlock, "None of 2 primary blocks is free: 2 are held or pinned"),
    (released_twice, errors.NotHeld, "Request 0 does not hold block 0"),
    (of_another_request, errors.NotHeld, "Request 1 does not hold block 0"),
    (stale, errors.StaleHandle, "of generation 1, and the block is at 2"),
    (stale_to_look_at, errors.StaleHandle, "of generation 1"),
    (foreign, errors.ForeignHandle, "another manager's"),
    (foreign_pin, errors.ForeignHandle, "another manager's"),
    (unpinned_twice, errors.NotPinned, "Pin 0 is not held"),
    (pinned_without_content, errors.NotCached, "neither committed nor held"),
    (pinned_too_often, errors.LimitReached, "2 pins, the most"),
    (referenced_too_often, errors.LimitReached, "3 references, the most"),
    (acquired_twice, errors.AlreadyHeld, "Request 0 holds block 0 already"),
    (committed_twice, errors.AlreadyCached, "Block 0 is committed already"),
    (committed_in_a_copy, errors.CopyInFlight, "still uses the slot of block 2"),
    (committed_under_no_key, errors.SizeError, "empty key"),
    (step_in_a_step, errors.StepError, "while a step is open"),
    (step_ended_twice, errors.StepError, "`end_step` was called outside a step"),
    (allocated_outside_a_step, errors.StepError, "`allocate` was called outside a step"),
    (acquired_outside_a_step, errors.StepError, "`acquire` was called outside a step"),
    (kept_at_no_priority, errors.SizeError, "priority is 1"),
    (kept_for_ever_in_seconds, errors.SizeError, "inf seconds"),
    (kept_for_no_number, errors.SizeError, "nan seconds"),
    (closed_in_use, errors.StillInUse, r"requests \[0\] hold blocks and 0 pins"),
    (closed_while_pinned, errors.StillInUse, "and 1 pins"),
]


@pytest.mark.parametrize(
    ("wrong", "error", "says"), CASES, ids=lambda case: getattr(case, "__name__", str(case)[:40])
)
def test_a_wrong_call_is_refused_in_three_sentences(
    wrong: Wrong, error: type[BlockError], says: str
) -> None:
    at = bench(2, 1, references_max=3, pins_max=2)
    with pytest.raises(error, match=says) as caught:
        wrong(at)
    refusal = caught.value
    for sentence in (refusal.happened, refusal.cause, refusal.mend):
        assert sentence.endswith("."), sentence
    assert str(refusal) == f"{refusal.happened} {refusal.cause} {refusal.mend}"


@pytest.mark.parametrize(("wrong", "error"), [case[:2] for case in CASES])
def test_a_refused_call_changes_nothing(wrong: Wrong, error: type[BlockError]) -> None:
    at = bench(2, 1, references_max=3, pins_max=2)
    states: list[object] = []

    def watch(call: Callable[..., object]) -> Callable[..., object]:
        def watched(*arguments: object, **options: object) -> object:
            states.append(at.manager.observe())
            return call(*arguments, **options)

        return watched

    for name in ("allocate", "acquire", "commit", "release", "pin", "unpin", "begin_step"):
        setattr(at.manager, name, watch(getattr(at.manager, name)))
    for name in ("end_step", "close", "view"):
        setattr(at.manager, name, watch(getattr(at.manager, name)))
    with pytest.raises(error):
        wrong(at)
    assert at.manager.observe() == states[-1]


BAD_SIZES = [
    {"primary_count": 0},
    {"primary_count": -1},
    {"primary_count": 2**31},
    {"primary_count": 2.0},
    {"primary_count": True},
    {"secondary_count": -1},
    {"slot_bytes": 0},
    {"slot_bytes": 2**62},
    {"priority_count": 0},
    {"default_priority": 1},
    {"offload_priority_min": -1},
    {"references_max": 0},
    {"pins_max": -1},
    {"copies_max": 0},
]


@pytest.mark.parametrize("wrong", BAD_SIZES, ids=str)
def test_absurd_sizes_are_refused_by_name(wrong: dict[str, object]) -> None:
    sizes = {"primary_count": 2, "slot_bytes": 4} | wrong
    with pytest.raises(errors.SizeError, match=next(iter(wrong))):
        PoolSettings(**sizes)  # type: ignore[arg-type]


@pytest.mark.parametrize(("primary", "secondary"), [(65, 0), (32, 33)])
def test_a_pool_larger_than_memory_keeps_none_of_it(primary: int, secondary: int) -> None:
    device = StillDevice(capacity=64)
    settings = PoolSettings(primary_count=primary, secondary_count=secondary, slot_bytes=1)
    with pytest.raises(errors.PoolTooLarge, match="larger than the memory"):
        BlockManager(device, settings, compute=device.stream("compute"), clock=Hands())
    assert device.live == {}


def test_two_managers_on_one_device_need_two_names() -> None:
    from kvcheck.schedule import Eager
    from kvimpl.device.sim import SimDevice

    device = SimDevice(Eager())
    settings = PoolSettings(primary_count=1, slot_bytes=1)
    compute = device.stream("compute")
    one = BlockManager(device, settings, compute=compute, clock=Hands())
    with pytest.raises(errors.DeviceFault, match="its own `name`"):
        BlockManager(device, settings, compute=compute, clock=Hands())
    two = BlockManager(device, settings, compute=compute, clock=Hands(), name="draft")
    for manager in (one, two):
        manager.close()
    assert device.close() == ()


def moves_down(at: Bench) -> object:
    return at.manager.allocate(C)


def moves_up(at: Bench) -> object:
    return at.manager.acquire(C, key("up"))


def two_levels_full_of_content() -> Bench:
    at = bench(3, 3)
    for name in ("up", "2", "3"):
        handle = at.manager.allocate(A)
        at.write(handle, name[0])
        at.manager.commit(handle, A, key(name))
    at.manager.release_request(A)
    for name in ("4", "5", "6"):
        handle = at.manager.allocate(B)
        at.write(handle, name[0])
        at.manager.commit(handle, B, key(name))
    at.manager.release_request(B)
    at.settle()
    return at


@pytest.mark.parametrize("moves", [moves_down, moves_up])
def test_a_copy_that_the_device_refuses_is_undone(moves: Wrong) -> None:
    at = two_levels_full_of_content()
    before = at.manager.observe()
    at.device.breaks["copy"] = LaunchFailed("injected")
    with pytest.raises(errors.DeviceFault, match="injected"):
        moves(at)
    assert at.manager.observe() == before
    at.device.breaks.clear()
    moves(at)
    assert at.manager.observe() != before


@pytest.mark.parametrize("call", ["copy", "record"])
def test_a_device_that_fails_in_mid_copy_ends_the_manager(call: str) -> None:
    at = two_levels_full_of_content()
    at.device.breaks[call] = DeviceFailed("injected")
    with pytest.raises(errors.Broken, match="injected"):
        at.manager.allocate(C)
    at.device.breaks.clear()
    with pytest.raises(errors.Broken, match="Discard this manager"):
        at.manager.allocate(C)
    at.manager.close()


def test_a_copy_that_fails_later_is_met_by_the_poll() -> None:
    at = two_levels_full_of_content()
    at.manager.allocate(C)
    at.device.breaks["query"] = DeviceFailed("illegal address")
    with pytest.raises(errors.Broken, match="illegal address"):
        at.manager.poll()


def test_a_stream_that_never_moves_refuses_and_says_who_waits() -> None:
    at = bench(1, 1)
    at.cached("x")
    at.manager.release(at.manager.allocate(B), B)
    with pytest.raises(errors.NoFreeBlock, match="0 are held or pinned, 1 wait for a copy"):
        at.manager.allocate(C)
    at.device.run()
    at.manager.allocate(C)


def test_a_closed_manager_refuses() -> None:
    at = bench(1, 0)
    at.manager.close()
    with pytest.raises(errors.Closed):
        at.manager.allocate(A)

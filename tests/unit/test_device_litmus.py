"""Stream-semantics litmus tests: each program ends in exactly the outcomes that CUDA permits.

`allowed` is exact: the simulated device must reach all of it and nothing else. A program is racy
if some run finds a race; then real outcomes may be worse, and the finding is the verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from kvcheck.schedule import Budget, Reach, explore
from kvimpl.device.port import Buffer, Bytes, Kernel, Mode, Space, Stream
from kvimpl.device.port.steps import Schedule
from kvimpl.device.sim import POISON, Pageable, SimDevice, SimOptions, run


def _copy(arguments: Sequence[Bytes | int]) -> None:
    target, source = arguments
    assert not isinstance(target, int)
    assert not isinstance(source, int)
    target.write(source.read())


def _set(arguments: Sequence[Bytes | int]) -> None:
    target, value = arguments
    assert not isinstance(target, int)
    assert isinstance(value, int)
    target.write(bytes([value]))


COPY = Kernel("copying", (Mode.WRITE, Mode.READ), _copy, "copying.cu")
SET = Kernel("setting", (Mode.WRITE, None), _set, "setting.cu")


@dataclass(frozen=True)
class Litmus:
    """A program, what it may end in, and whether it holds a race."""

    program: Callable[[Bench], object]
    allowed: frozenset[object]
    racy: bool
    options: SimOptions


LITMUS: dict[str, Litmus] = {}


def litmus(
    allowed: set[object],
    *,
    racy: bool = False,
    pageable: Pageable = Pageable.STAGED,
    name: str = "",
) -> Callable[[Callable[[Bench], object]], Callable[[Bench], object]]:
    def added(program: Callable[[Bench], object]) -> Callable[[Bench], object]:
        options = SimOptions(pageable=pageable)
        LITMUS[name or program.__name__] = Litmus(program, frozenset(allowed), racy, options)
        return program

    return added


class Bench:
    """One-byte buffers and short names for the calls of the port."""

    def __init__(self, dev: SimDevice) -> None:
        self.dev = dev
        self.sync = dev.synchronize
        self.record = dev.record
        self.wait = dev.wait
        self.query = dev.query
        self.event = dev.event

    def streams(self, names: str = "a b c", *, blocking: bool = False) -> list[Stream]:
        return [self.dev.stream(name, blocking=blocking) for name in names.split()]

    def host(self, value: int, space: Space = Space.PINNED) -> Buffer:
        buffer = self.dev.alloc(1, space, label=space.value)
        self.put(buffer, value)
        return buffer

    def device(self, value: int = 0) -> Buffer:
        buffer = self.dev.alloc(1, Space.DEVICE, label="device")
        self.set(buffer, value, self.dev.legacy)
        self.sync()
        return buffer

    def put(self, buffer: Buffer, value: int) -> None:
        self.dev.host_write(buffer.view(), bytes([value]))

    def get(self, buffer: Buffer) -> int:
        return self.dev.host_read(buffer.view())[0]

    def copy(self, target: Buffer, source: Buffer, stream: Stream) -> None:
        self.dev.copy(target.view(), source.view(), stream)

    def kernel(self, target: Buffer, source: Buffer, stream: Stream) -> None:
        self.dev.launch(COPY, (target.view(), source.view()), stream)

    def set(self, target: Buffer, value: int, stream: Stream) -> None:
        self.dev.launch(SET, (target.view(), value), stream)

    def final(self, buffer: Buffer) -> int:
        """The byte when everything has completed."""
        self.sync()
        back = self.dev.alloc(1, Space.PINNED, label="back")
        self.copy(back, buffer, self.dev.legacy)
        self.sync()
        return self.get(back)


@litmus({2})
def fifo_same_stream(b: Bench) -> object:
    (s, *_), d = b.streams(), b.device()
    b.set(d, 1, s)
    b.set(d, 2, s)
    return b.final(d)


@litmus({1})
def kernel_then_copy_back_same_stream(b: Bench) -> object:
    (s, *_), d, p = b.streams(), b.device(), b.host(0)
    b.set(d, 1, s)
    b.copy(p, d, s)
    b.sync(s)
    return b.get(p)


@litmus({1, 2}, racy=True)
def pinned_source_is_read_late(b: Bench) -> object:
    (s, *_), d, p = b.streams(), b.device(), b.host(1)
    b.copy(d, p, s)
    b.put(p, 2)
    return b.final(d)


@litmus({1, 2}, racy=True, pageable=Pageable.LATE, name="pageable_source_late")
@litmus({1}, name="pageable_source_staged")
def pageable_source(b: Bench) -> object:
    (s, *_), d, g = b.streams(), b.device(), b.host(1, Space.PAGEABLE)
    b.copy(d, g, s)
    b.put(g, 2)
    return b.final(d)


@litmus({1, 2}, racy=True)
def kernel_reads_mapped_memory_late(b: Bench) -> object:
    (s, *_), d, p = b.streams(), b.device(), b.host(1)
    b.kernel(d, p, s)
    b.put(p, 2)
    return b.final(d)


@litmus({1})
def kernel_ints_are_copied_at_launch(b: Bench) -> object:
    (s, *_), d, arguments = b.streams(), b.device(), [1]
    b.dev.launch(SET, (d.view(), arguments[0]), s)
    arguments[0] = 2
    return b.final(d)


@litmus({1})
def event_sync_before_overwrite(b: Bench) -> object:
    (s, *_), d, p, e = b.streams(), b.device(), b.host(1), b.event("e")
    b.copy(d, p, s)
    b.record(e, s)
    b.sync(e)
    b.put(p, 2)
    return b.final(d)


@litmus({(True, 1), (False, 1)})
def query_true_guards_overwrite(b: Bench) -> object:
    (s, *_), d, p, e = b.streams(), b.device(), b.host(1), b.event("e")
    b.copy(d, p, s)
    b.record(e, s)
    done = b.query(e)
    if done:
        b.put(p, 2)
    return done, b.final(d)


@litmus({(True, 1), (True, 2), (False, 1)}, racy=True)
def event_before_reader_is_no_guard(b: Bench) -> object:
    (s, *_), d, p, e = b.streams(), b.device(), b.host(1), b.event("e")
    b.record(e, s)
    b.kernel(d, p, s)
    done = b.query(e)
    if done:
        b.put(p, 2)
    return done, b.final(d)


@litmus({1, 2}, racy=True)
def two_streams_are_unordered(b: Bench) -> object:
    (s, t, *_), d = b.streams(), b.device()
    b.set(d, 1, s)
    b.set(d, 2, t)
    return b.final(d)


@litmus({2})
def record_and_wait_order(b: Bench) -> object:
    (s, t, *_), d, e = b.streams(), b.device(), b.event("e")
    b.set(d, 1, s)
    b.record(e, s)
    b.wait(t, e)
    b.set(d, 2, t)
    return b.final(d)


@litmus({0, 1}, racy=True)
def wait_before_any_record_is_nothing(b: Bench) -> object:
    (s, t, *_), d, o, e = b.streams(), b.device(), b.device(9), b.event("e")
    b.wait(t, e)
    b.set(d, 1, s)
    b.record(e, s)
    b.kernel(o, d, t)
    return b.final(o)


@litmus({0, 1}, racy=True)
def wait_is_bound_to_the_earlier_record(b: Bench) -> object:
    (s, t, *_), d, o, e = b.streams(), b.device(), b.device(9), b.event("e")
    b.record(e, s)
    b.wait(t, e)
    b.set(d, 1, s)
    b.record(e, s)
    b.kernel(o, d, t)
    return b.final(o)


@litmus({1})
def wait_uses_the_latest_record(b: Bench) -> object:
    (s, t, *_), d, o, e = b.streams(), b.device(), b.device(9), b.event("e")
    b.record(e, s)
    b.set(d, 1, s)
    b.record(e, s)
    b.wait(t, e)
    b.kernel(o, d, t)
    return b.final(o)


@litmus({0, 1}, racy=True)
def old_mark_stays_old_after_rerecording(b: Bench) -> object:
    (s, t, *_), d, o, e = b.streams(), b.device(), b.device(9), b.event("e")
    early = b.record(e, s)
    b.set(d, 1, s)
    b.record(e, s)
    b.wait(t, early)
    b.kernel(o, d, t)
    return b.final(o)


@litmus({True})
def query_of_unrecorded_is_true(b: Bench) -> object:
    return b.query(b.event("e"))


@litmus({(True, True), (False, True)})
def query_after_sync_is_true(b: Bench) -> object:
    (s, *_), d, e = b.streams(), b.device(), b.event("e")
    b.set(d, 1, s)
    b.record(e, s)
    first = b.query(e)
    b.sync(e)
    return first, b.query(e)


@litmus({(True, True), (False, False), (False, True)})
def query_never_goes_back(b: Bench) -> object:
    (s, *_), e = b.streams(), b.event("e")
    b.record(e, s)
    return b.query(e), b.query(e)


@litmus({(True, True), (True, False), (False, True), (False, False)})
def rerecording_resets_query(b: Bench) -> object:
    (s, *_), d, e = b.streams(), b.device(), b.event("e")
    b.record(e, s)
    first = b.query(e)
    b.set(d, 1, s)
    b.record(e, s)
    return first, b.query(e)


@litmus({1, 2}, racy=True)
def event_sync_covers_only_what_was_before(b: Bench) -> object:
    (s, *_), p, x, y, e = b.streams(), b.host(0), b.device(1), b.device(2), b.event("e")
    b.copy(p, x, s)
    b.record(e, s)
    b.copy(p, y, s)
    b.sync(e)
    return b.get(p)


@litmus({1})
def events_are_transitive(b: Bench) -> object:
    (s, t, u), d, o = b.streams(), b.device(), b.device(9)
    e, f = b.event("e"), b.event("f")
    b.set(d, 1, s)
    b.record(e, s)
    b.wait(t, e)
    b.record(f, t)
    b.wait(u, f)
    b.kernel(o, d, u)
    return b.final(o)


@litmus({1})
def host_sync_passes_the_message_on(b: Bench) -> object:
    (s, t, *_), d, o, e = b.streams(), b.device(), b.device(9), b.event("e")
    b.set(d, 1, s)
    b.record(e, s)
    b.sync(e)
    b.kernel(o, d, t)
    return b.final(o)


@litmus({0, 1}, racy=True)
def message_without_sync(b: Bench) -> object:
    (s, t, *_), d, o = b.streams(), b.device(), b.device(9)
    b.set(d, 1, s)
    b.kernel(o, d, t)
    return b.final(o)


@litmus({0, 1}, racy=True)
def stream_sync_is_local(b: Bench) -> object:
    (s, t, *_), p, x, z = b.streams(), b.host(0), b.device(1), b.device()
    b.copy(p, x, s)
    b.set(z, 1, t)
    b.sync(t)
    return b.get(p)


@litmus({1})
def device_sync_is_global(b: Bench) -> object:
    (s, *_), p, x = b.streams(), b.host(0), b.device(1)
    b.copy(p, x, s)
    b.sync()
    return b.get(p)


@litmus({0, 1}, racy=True)
def pinned_target_read_too_early(b: Bench) -> object:
    (s, *_), p, x = b.streams(), b.host(0), b.device(1)
    b.copy(p, x, s)
    return b.get(p)


@litmus({0, 1}, racy=True, pageable=Pageable.LATE, name="pageable_target_late")
@litmus({1}, name="pageable_target_staged")
def pageable_target(b: Bench) -> object:
    (s, *_), g, x = b.streams(), b.host(0, Space.PAGEABLE), b.device(1)
    b.copy(g, x, s)
    return b.get(g)


@litmus({(0, 2)})
def write_after_read_ordered(b: Bench) -> object:
    (s, t, *_), d, o, e = b.streams(), b.device(), b.device(9), b.event("e")
    b.kernel(o, d, s)
    b.record(e, s)
    b.wait(t, e)
    b.set(d, 2, t)
    return b.final(o), b.final(d)


@litmus({0, 2}, racy=True)
def write_after_read_unordered(b: Bench) -> object:
    (s, t, *_), d, o = b.streams(), b.device(), b.device(9)
    b.kernel(o, d, s)
    b.set(d, 2, t)
    return b.final(o)


@litmus({(1, 2)})
def host_calls_keep_stream_order(b: Bench) -> object:
    (s, *_), log = b.streams(), list[int]()
    b.dev.host_call(lambda _: log.append(1), [], s, label="one")
    b.dev.host_call(lambda _: log.append(2), [], s, label="two")
    b.sync()
    return tuple(log)


@litmus({5})
def host_call_blocks_the_copy_behind_it(b: Bench) -> object:
    (s, *_), d, p = b.streams(), b.device(), b.host(1)
    touches = [(p.view(), Mode.WRITE)]
    b.dev.host_call(lambda bytes_: bytes_[0].write(b"\5"), touches, s, label="five")
    b.copy(d, p, s)
    return b.final(d)


@litmus({2})
def legacy_fences_blocking_streams(b: Bench) -> object:
    (s,), d, o = b.streams("a", blocking=True), b.device(), b.device(9)
    b.set(d, 1, s)
    b.set(d, 2, b.dev.legacy)
    b.kernel(o, d, s)
    return b.final(o)


@litmus({1, 2}, racy=True)
def legacy_ignores_other_streams(b: Bench) -> object:
    (s, *_), d = b.streams(), b.device()
    b.set(d, 1, s)
    b.set(d, 2, b.dev.legacy)
    return b.final(d)


@litmus({1, 2}, racy=True)
def blocking_streams_are_unordered_with_each_other(b: Bench) -> object:
    (s, t), d = b.streams("a b", blocking=True), b.device()
    b.set(d, 1, s)
    b.set(d, 2, t)
    return b.final(d)


@litmus({1})
def torch_pool_protects_copies(b: Bench) -> object:
    (s, *_), d, p = b.streams(), b.device(), b.host(1)
    b.copy(d, p, s)
    b.dev.free(p)
    b.host(2)
    return b.final(d)


@litmus({1, 2, POISON}, racy=True)
def torch_pool_ignores_kernels(b: Bench) -> object:
    (s, *_), d, p = b.streams(), b.device(), b.host(1)
    b.kernel(d, p, s)
    b.dev.free(p)
    b.host(2)
    return b.final(d)


@litmus({1})
def torch_pool_records_its_event_at_free(b: Bench) -> object:
    (s, *_), d, x, p = b.streams(), b.device(), b.device(), b.host(1)
    b.copy(x, p, s)
    b.kernel(d, p, s)
    b.dev.free(p)
    b.host(2)
    return b.final(d)


@litmus({1, 2, POISON}, racy=True)
def torch_pool_covers_no_other_stream(b: Bench) -> object:
    (s, t, *_), d, x, p = b.streams(), b.device(), b.device(), b.host(1)
    b.copy(x, p, s)
    b.kernel(d, p, t)
    b.dev.free(p)
    b.sync(s)
    b.host(2)
    return b.final(d)


def judged(name: str) -> tuple[Reach, frozenset[object], bool]:
    """Run a litmus test under every order: how far it got, its outcomes, whether it is racy."""
    test = LITMUS[name]
    races = []

    def once(schedule: Schedule) -> object:
        ran = run(lambda dev: test.program(Bench(dev)), schedule, test.options)
        assert ran.error is None
        races.append(bool(ran.findings))
        return ran.outcome

    result = explore(once, budget=Budget(runs=2_000))
    return result.reach, frozenset(result.outcomes), any(races)


@pytest.mark.parametrize("name", LITMUS)
def test_litmus_ends_in_exactly_what_is_allowed(name: str) -> None:
    test = LITMUS[name]

    assert judged(name) == (Reach.EXHAUSTED, test.allowed, test.racy)

"""Wrong devices, each wrong in one rule of CUDA or of the watch, are told by the litmus tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kvcheck.litmus import SUITE, on_sim
from kvimpl.device.port import Event, Mark, Op, Stream
from kvimpl.device.sim import completions, heap
from kvimpl.device.sim.clocks import Shadow
from kvimpl.device.sim.completions import Completions
from kvimpl.device.sim.device import SimDevice
from kvimpl.device.sim.dispatch import Dispatch
from kvimpl.device.sim.pinned import PinnedPool
from kvimpl.device.sim.queues import Queue, Queues, Work
from kvimpl.device.sim.watch import Watch

Patch = pytest.MonkeyPatch
BOUND = Completions.bound
EXECUTE = Queue.execute
COPY = Dispatch.copy
PUT = Dispatch.put


def _mark_means_latest(self: Completions, on: Any) -> list[Work]:
    return BOUND(self, on.event if isinstance(on, Mark) else on)


def _events_mean_nothing(self: Completions, on: Any) -> list[Work]:
    return [] if isinstance(on, Event) else BOUND(self, on)


def _stream_means_all(self: Completions, on: Any) -> list[Work]:
    return BOUND(self, None if isinstance(on, Stream) else on)


def _execute_forgetting_waits(self: Queue) -> Op:
    self.work[0].waits = ()
    return EXECUTE(self)


def _observed_without_order(_: object, work: Work) -> bool:
    return work.done


def _copy_reading_early(self: Dispatch, *args: Any, **_: Any) -> Work:
    return COPY(self, *args, reads_early=True)


def _copy_reading_late(self: Dispatch, *args: Any, **_: Any) -> Work:
    return COPY(self, *args, reads_early=False)


def _free_without_events(self: Dispatch, queue: Queue, label: str, *args: Any, **more: Any) -> Work:
    work = PUT(self, queue, label, *args, **more)
    if label.startswith("event of"):
        queue.work.remove(work)
        work.done = True
    return work


def _last_in_first_out(self: Queue) -> Op:
    self.work.rotate(1)
    return EXECUTE(self)


def patching(target: object, name: str, value: object) -> Callable[[Patch], None]:
    return lambda patch: patch.setattr(target, name, value)


def _query_means_synchronize(patch: Patch) -> None:
    def query(self: SimDevice, on: Any) -> bool:
        self.synchronize(on)
        return True

    patch.setattr(SimDevice, "query", query)


def _observing_orders_nothing(patch: Patch) -> None:
    for module in (completions, heap):
        patch.setattr(module, "observed", _observed_without_order)


PLANTED: dict[str, tuple[Callable[[Patch], None], str]] = {
    "a mark means its event's latest recording": (
        patching(Completions, "bound", _mark_means_latest),
        "old_mark_stays_old_after_rerecording",
    ),
    "waiting for an event does not wait": (
        patching(Completions, "bound", _events_mean_nothing),
        "record_and_wait_order",
    ),
    "synchronising a stream synchronises the device": (
        patching(Completions, "bound", _stream_means_all),
        "stream_sync_is_local",
    ),
    "a query waits": (_query_means_synchronize, "query_never_goes_back"),
    "observing completion orders nothing": (
        _observing_orders_nothing,
        "query_true_guards_overwrite",
    ),
    "a wait holds back but does not order": (
        patching(Queue, "execute", _execute_forgetting_waits),
        "events_are_transitive",
    ),
    "a stream is not first in, first out": (
        patching(Queue, "execute", _last_in_first_out),
        "host_calls_keep_stream_order",
    ),
    "the legacy stream fences nothing": (
        patching(Queues, "_fences", lambda self, queue: []),
        "legacy_fences_blocking_streams",
    ),
    "pinned memory is read when the copy is called": (
        patching(Dispatch, "copy", _copy_reading_early),
        "pinned_source_is_read_late",
    ),
    "pageable memory is never staged": (
        patching(Dispatch, "copy", _copy_reading_late),
        "pageable_source_staged",
    ),
    "copies are not noted by the allocator": (
        patching(PinnedPool, "note", lambda self, life, stream: None),
        "torch_pool_protects_copies",
    ),
    "the allocator does not wait for its events": (
        patching(Dispatch, "put", _free_without_events),
        "torch_pool_records_its_event_at_free",
    ),
    "races are not seen": (
        patching(Shadow, "touch", lambda self, seen, clock: []),
        "message_without_sync",
    ),
    "kernels are not watched": (
        patching(Watch, "touch", lambda self, *args: None),
        "write_after_read_unordered",
    ),
    "a run is not drained before its races are learnt": (
        patching(SimDevice, "quiesce", lambda self: ()),
        "query_never_goes_back",
    ),
}


@pytest.mark.parametrize("wrong", PLANTED)
def test_a_wrong_device_is_told_by_its_litmus_test(wrong: str, monkeypatch: Patch) -> None:
    plant, name = PLANTED[wrong]
    test = SUITE[name]
    plant(monkeypatch)

    seen = on_sim(test.program)
    assert (seen.outcomes, seen.is_racy, seen.is_complete) != (test.allowed, test.is_racy, True)

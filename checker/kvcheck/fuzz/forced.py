"""A kept case run again on a CUDA device, in the order of its record, which gates force.

It decides what the end of such a run says of the record; the order itself is the gates' matter, and
a record that they cannot force is a fault of the tool. The idea: the case is first run on the
simulated device as `replay` does, which shows that the record applies; then once more in the same
order with nobody watching for races, as the CUDA device does not either; and the CUDA device is
held to the steps of that run. A race is seen there only by the bytes that it leads to, and where
these are right nothing is concluded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from kvcheck.fuzz.case import SIM_NAME, Case, Failure, Ran
from kvcheck.fuzz.corpus import Entry
from kvcheck.fuzz.cuda_site import ByCopy, CudaSite
from kvcheck.fuzz.replay import Applies, Replayed, looks_for, replay
from kvcheck.fuzz.runner import run_case
from kvcheck.fuzz.shrink_moves import recorded
from kvcheck.fuzz.site import OnSim
from kvimpl.device.cuda import CudaDevice, GatedDevice, GateFault
from kvimpl.device.port import Finding, FindingKind
from kvimpl.device.port.errors import DeviceError
from kvimpl.device.port.steps import Pending
from kvimpl.device.sim import SimDevice

__all__ = ["DeviceLost", "GateFault", "forced"]


class DeviceLost(Exception):
    """The CUDA device failed while the run was ended, so that nothing is known of the run."""


class Unwatched(SimDevice):
    """The simulated device, which says nothing of races: a run goes on to its end."""

    def quiesce(self) -> tuple[Finding, ...]:
        """See the port."""
        super().quiesce()
        return ()

    def close(self) -> tuple[Finding, ...]:
        """See the port; what was never freed is told."""
        return tuple(found for found in super().close() if found.kind is FindingKind.LEAK)


class OnUnwatched(OnSim):
    """A run on that device."""

    kind = Unwatched


class Recording:
    """The place of the run whose steps are forced."""

    name = SIM_NAME
    blind = CudaSite.blind

    def __init__(self) -> None:
        self.opened: list[OnUnwatched] = []

    def open(self, case: Case) -> OnUnwatched:
        """See Site."""
        self.opened.append(OnUnwatched(case))
        return self.opened[-1]


class OnGated:
    """A run on a CUDA device of its own, held to the steps of a record."""

    line = ""

    def __init__(self, site: GatedSite, case: Case) -> None:
        cuda = site.cuda
        device = CudaDevice(cuda.runtime, cuda.launcher, watchdog=cuda.watchdog)
        self.block_bytes = ByCopy(device, case)
        self.device = GatedDevice(device, cuda.runtime, site.steps)
        self._site = site

    def end(self) -> None:
        """See Opened; the site learns what became of the gates and of the device."""
        try:
            self.device.abandon()
        except DeviceError as error:
            self._site.lost = str(error)
        self._site.fault = self.device.fault


class GatedSite:
    """The place of one run; `fault` and `lost` say afterwards why it counts for nothing."""

    name = CudaSite.name
    blind = CudaSite.blind

    def __init__(self, cuda: CudaSite, steps: Sequence[Pending]) -> None:
        self.cuda = cuda
        self.steps = steps
        self.fault: GateFault | None = None
        self.lost = ""

    def open(self, case: Case) -> OnGated:
        """See Site."""
        return OnGated(self, case)


def forced(entry: Entry, cuda: CudaSite, *, manager: str | None = None) -> Replayed:
    """The entry's case on the device, twice, in the order of its record.

    Where the record does not apply on the simulated device that is the answer, as it is there.
    Raises: GateFault, DeviceLost; ValueError as `replay`.
    """
    run = partial(run_case, looks=looks_for(entry, manager))
    told = replay(entry, run, manager=manager)
    if told.ran is None:
        return told
    if told.ran.failure is not None and told.ran.failure.kind == "stuck":
        why = "Nothing goes on there, so the record has no step to force. It was not run on cuda."
        return Replayed(Applies.UNSEEN, told.ran, f"{told.why} {why}")
    named = msgspec.structs.replace(entry.case, manager=manager or entry.case.manager)
    case = recorded(named, told.ran.line)
    recording = Recording()
    unwatched = run(case, site=recording)
    steps = recording.opened[-1].steps
    first, second = (_once(case, cuda, steps, run) for _ in range(2))
    if _end(first) != _end(second):
        why = f"In one order the device ended in {_told(first)} and in {_told(second)}."
        return Replayed(Applies.HIDDEN, None, f"{why} Its bytes or answers are not the order's.")
    applies, why = _compared(entry, told, unwatched, first)
    origin = "Forced" if entry.device == SIM_NAME else f"Recorded on {entry.device}, forced"
    ran = msgspec.structs.replace(first, line=told.ran.line)
    return Replayed(applies, ran, f"{origin} on cuda in the order of sim: {why}")


def _once(case: Case, cuda: CudaSite, steps: Sequence[Pending], run: Callable[..., Ran]) -> Ran:
    site = GatedSite(cuda, steps)
    ran = run(case, site=site)
    if site.fault is not None:
        raise site.fault
    if site.lost:
        raise DeviceLost(site.lost)
    return ran


def _compared(entry: Entry, told: Replayed, unwatched: Ran, ran: Ran) -> tuple[Applies, str]:
    """What the run on the device says of the record, given those on sim in the same order."""
    assert told.ran is not None
    there, here = told.ran.failure, ran.failure
    if here is None:
        if there is None:
            return told.applies, f"{ran.steps} steps were judged and none of them failed."
        if there.kind == "finding":
            return Applies.UNSEEN, (
                f"on sim it fails by {_class(there)}. Order by races is not checked on cuda, and "
                "every byte that was read there is right."
            )
        return Applies.UNSEEN, f"on sim it fails by {_class(there)}, and on cuda it does not."
    if here.key == entry.failure.key:
        return Applies.SAME, f"{_class(here)}."
    led_to = unwatched.failure
    if there is not None and there.kind == "finding" and led_to and led_to.key == here.key:
        return Applies.SHOWN, (
            f"on sim it fails by {_class(there)}. Order by races is not checked on cuda, but what "
            f"it led to is seen: {_class(here)}."
        )
    said = "no failure" if there is None else _class(there)
    return Applies.OTHER, (
        f"the record's failure was {_class(entry.failure)}; sim's is {said}; this run's is "
        f"{_class(here)}."
    )


def _end(ran: Ran) -> tuple[tuple[str, str] | None, int]:
    """What must come again: bytes that nobody wrote may differ, and with them the words."""
    return None if ran.failure is None else ran.failure.key, ran.steps


def _class(failure: Failure) -> str:
    return ": ".join(failure.key)


def _told(ran: Ran) -> str:
    said = "no failure" if ran.failure is None else _class(ran.failure)
    return f"{said} after {ran.steps} steps"

"""A CUDA device as the place of a campaign: hardware's own order, bytes read by copies.

It decides how runs share one GPU, and what is left of a campaign when the device fails; a case's
order is not followed, accesses are not watched, and the same case may end differently. The idea:
writes and reads are copies in the same stream, from and to pinned memory that was allocated before
the first call, so that neither a wait nor an allocation orders what the manager itself did not.
"""

from __future__ import annotations

from kvcheck.fuzz.case import Case, Fill, Read
from kvcheck.fuzz.site import Take
from kvimpl.device.cuda import (
    CudaDevice,
    DriverLauncher,
    DriverRuntime,
    Launcher,
    NoCudaDevice,
    Runtime,
    Watchdog,
)
from kvimpl.device.kernels import KernelSource
from kvimpl.device.kernels.compile import compiled
from kvimpl.device.port import Device, Space, Stream, View
from kvimpl.device.port.errors import DeviceError

__all__ = ["CudaSite", "NoCudaDevice", "cuda_site"]


class ByCopy:
    """By copies between blocks and places of one pinned buffer; compared when all work is done.

    The buffer is this device's own affair: where another stands before it, that sees the copies.
    """

    def __init__(self, device: CudaDevice, case: Case) -> None:
        self._device = device
        count = sum(isinstance(call, Fill | Read) for call in case.tasks[0])
        self._nbytes = case.sizes.slot_bytes
        self._buffer = (
            device.alloc(count * self._nbytes, Space.PINNED, label="bytes") if count else None
        )
        self._used = 0
        self._takes: list[tuple[View, Take]] = []

    def write(self, device: Device, view: View, data: bytes, stream: Stream, *, label: str) -> None:
        """See BlockBytes."""
        place = self._place()
        self._device.host_write(place, data)
        device.copy(view, place, stream, label=label)

    def read(self, device: Device, view: View, stream: Stream, take: Take, *, label: str) -> None:
        """See BlockBytes."""
        place = self._place()
        device.copy(place, view, stream, label=label)
        self._takes.append((place, take))

    def finish(self, device: Device) -> None:
        """See BlockBytes."""
        for place, take in self._takes:
            take(self._device.host_read(place))
        self._takes.clear()
        if self._buffer is not None:
            self._device.free(self._buffer)

    def _place(self) -> View:
        """The next place that nothing was written to or read into."""
        assert self._buffer is not None, "the case's writes and reads were counted"
        self._used += 1
        return self._buffer.view((self._used - 1) * self._nbytes, self._used * self._nbytes)


class OnCuda:
    """A run on a CUDA device of its own."""

    line = ""

    def __init__(self, site: CudaSite, case: Case) -> None:
        self._site = site
        self.device = CudaDevice(site.runtime, site.launcher, watchdog=site.watchdog)
        self.block_bytes = ByCopy(self.device, case)

    def end(self) -> None:
        """See Opened. Closing joins the readers' threads first, which end after their call."""
        try:
            self.device.close()
        except DeviceError as error:
            self._site.lost = self._site.lost or str(error)


class CudaSite:
    """One runtime and one launcher for all runs; each run has a device of its own on them.

    `lost` says why the device cannot be used again, if it cannot: a failure of a CUDA device stays,
    so that the next run would meet this one's.
    """

    name = "cuda"
    blind = "on cuda: order by races not checked"

    def __init__(
        self, runtime: Runtime, launcher: Launcher, *, watchdog: Watchdog | None = None
    ) -> None:
        self.runtime = runtime
        self.launcher = launcher
        self.watchdog = watchdog or Watchdog()
        self.lost = ""

    def open(self, case: Case) -> OnCuda:
        """See Site. Raises: DeviceError, where no memory or device is left."""
        return OnCuda(self, case)


def cuda_site() -> CudaSite:
    """This machine's GPU. Raises: NoCudaDevice."""
    runtime = DriverRuntime()

    def cubin(source: KernelSource) -> bytes:
        return compiled(source, runtime.architecture.removeprefix("sm_")).cubin

    return CudaSite(runtime, DriverLauncher(cubin))

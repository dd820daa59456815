"""Both launchers on a GPU: drawn launches leave the bytes that the kernels' Python bodies leave."""

from __future__ import annotations

import pytest
from hardware import LAUNCHERS, RUNTIMES, Hardware
from hardware_runs import compare

from kvimpl.device.cuda import NoCudaDevice
from kvimpl.device.kernels import KERNELS, KernelSource
from kvimpl.device.port import Space

pytestmark = pytest.mark.gpu

EXAMPLES = 150


@pytest.mark.parametrize("host", [Space.PINNED, Space.DEVICE], ids=lambda space: space.value)
@pytest.mark.parametrize("source", KERNELS, ids=lambda source: source.entry)
@pytest.mark.parametrize("launcher", LAUNCHERS)
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_launch_leaves_the_bytes_of_the_python_body(
    hardware: Hardware, runtime: str, launcher: str, source: KernelSource, host: Space
) -> None:
    try:
        dev = hardware.device(runtime=runtime, launcher=launcher)
    except NoCudaDevice as absent:
        pytest.skip(f"NOT TESTED: {launcher} launcher over {runtime} on hardware: {absent}")
    compare(dev, source, examples=EXAMPLES, host=host)
    assert dev.close() == ()

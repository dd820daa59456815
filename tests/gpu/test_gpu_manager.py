"""The block manager on a GPU: each step judged, each hit's bytes read back by a kernel."""

from __future__ import annotations

import pytest
from hardware import RUNTIMES, Hardware
from hardware_runs import REFUSED_BUG
from payload_run import payload_run

from kvimpl.bugs import BUGS
from kvimpl.device.cuda import CudaDevice, NoCudaDevice

pytestmark = pytest.mark.gpu

STEPS = 3_000


def device(hardware: Hardware, runtime: str) -> CudaDevice:
    try:
        return hardware.device(runtime=runtime)
    except NoCudaDevice as absent:
        pytest.skip(f"NOT TESTED: the block manager on hardware over {runtime}: {absent}")


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_right_manager_holds_and_no_tag_is_wrong(hardware: Hardware, runtime: str) -> None:
    seen = payload_run(device(hardware, runtime), steps=STEPS, seed=1)

    assert (seen["outcome"], seen["wrong"], seen["error"]) == ("holds", [], ""), seen
    assert isinstance(seen["steps"], int)
    assert isinstance(seen["reads"], int)
    assert seen["steps"] >= STEPS
    assert seen["reads"] > STEPS // 10


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_known_bug_is_refused(hardware: Hardware, runtime: str) -> None:
    dev = device(hardware, runtime)

    seen = payload_run(dev, steps=STEPS, seed=1, build=BUGS[REFUSED_BUG].build)

    dev.synchronize()  # the refused run ends with work enqueued
    assert seen["outcome"] == "violated", seen

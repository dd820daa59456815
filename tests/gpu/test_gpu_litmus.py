"""Litmus programs on a GPU, free-running: each ends in what CUDA's documentation permits.

Hardware is not driven here: an order that it never takes is not seen.
"""

from __future__ import annotations

import pytest
from hardware import RUNTIMES, Hardware

from kvcheck.litmus import SUITE
from kvcheck.litmus.on_cuda import as_on_cuda, on_cuda
from kvimpl.device.cuda import CudaDevice, NoCudaDevice
from kvimpl.device.port import Refused

pytestmark = pytest.mark.gpu

ROUNDS = 30


@pytest.mark.parametrize("watched", [True, False], ids=["watched", "unwatched"])
@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("name", SUITE)
def test_a_litmus_program_ends_in_what_is_allowed(
    hardware: Hardware, name: str, runtime: str, watched: bool
) -> None:
    test = SUITE[name]

    def make() -> CudaDevice:
        return hardware.device(runtime=runtime, watched=watched)

    try:
        make().close()
    except NoCudaDevice as absent:
        pytest.skip(f"NOT TESTED: litmus on hardware over {runtime}: {absent}")
    if runtime == "torch" and test.program.blocking:
        with pytest.raises(Refused, match="torch has no blocking streams"):
            on_cuda(test.program, make, rounds=1)
        return
    found = on_cuda(test.program, make, rounds=ROUNDS).outcomes
    assert found
    assert found <= as_on_cuda(test).allowed

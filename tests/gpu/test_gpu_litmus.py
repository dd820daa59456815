"""Litmus programs on a GPU, free-running: each ends in what CUDA's documentation permits.

Hardware is not driven here: an order that it never takes is not seen.
"""

from __future__ import annotations

import pytest
from hardware import RUNTIMES, Hardware
from hardware_runs import allowed, outcomes
from test_device_litmus import LITMUS

from kvimpl.device.cuda import CudaDevice, NoCudaDevice
from kvimpl.device.port import Refused

pytestmark = pytest.mark.gpu

ROUNDS = 30
ON_BLOCKING_STREAMS = frozenset(
    {"legacy_fences_blocking_streams", "blocking_streams_are_unordered_with_each_other"}
)


@pytest.mark.parametrize("watched", [True, False], ids=["watched", "unwatched"])
@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("name", LITMUS)
def test_a_litmus_program_ends_in_what_is_allowed(
    hardware: Hardware, name: str, runtime: str, watched: bool
) -> None:
    def make() -> CudaDevice:
        return hardware.device(runtime=runtime, watched=watched)

    try:
        make().close()
    except NoCudaDevice as absent:
        pytest.skip(f"NOT TESTED: litmus on hardware over {runtime}: {absent}")
    if runtime == "torch" and name in ON_BLOCKING_STREAMS:
        with pytest.raises(Refused, match="torch has no blocking streams"):
            outcomes(make, name, rounds=1)
        return
    found = outcomes(make, name, ROUNDS)
    assert found
    assert found <= allowed(name)

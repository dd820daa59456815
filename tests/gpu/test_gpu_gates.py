"""Orders that were found in simulation, forced upon a GPU: litmus programs and kept cases.

An outcome that gates do not reach is a finding about the model or the gates, not about luck.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hardware import RUNTIMES, Hardware
from replay_on_fake import found, racy

from kvcheck.fuzz.cuda_site import CudaSite
from kvcheck.fuzz.forced import forced
from kvcheck.fuzz.replay import Applies
from kvcheck.litmus import SUITE
from kvcheck.litmus.gated import gated, is_forcible
from kvimpl.device.cuda import GatedDevice, NoCudaDevice
from kvimpl.device.port.steps import Pending

pytestmark = pytest.mark.gpu

FORCIBLE = [name for name, test in SUITE.items() if is_forcible(test.program)]


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("name", FORCIBLE)
def test_each_allowed_outcome_is_reached_through_gates(
    hardware: Hardware, name: str, runtime: str
) -> None:
    test = SUITE[name]
    if runtime == "torch" and test.program.blocking:
        pytest.skip("torch has no blocking streams: the same program runs over the driver")

    def make(steps: Sequence[Pending]) -> GatedDevice:
        return hardware.gated(steps, runtime=runtime)

    try:
        forced_to = gated(test.program, make)
    except NoCudaDevice as absent:
        pytest.skip(f"NOT TESTED: gates on hardware over {runtime}: {absent}")
    assert forced_to.missed == ()
    assert forced_to.reached | forced_to.kept == test.allowed


def test_kept_cases_fail_here_as_they_did_in_simulation(hardware: Hardware) -> None:
    site = CudaSite(hardware.keeps, hardware.launcher("driver"))
    assert forced(found("s1-1"), site).applies is Applies.SAME
    assert forced(found("s1-1"), site, manager="blocks").applies is Applies.GONE
    assert forced(racy(shows=True), site).applies is Applies.SHOWN

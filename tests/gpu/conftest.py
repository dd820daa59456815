"""What the tests on hardware share: the GPU, or a skip that says what was not tested.

A missing GPU never passes: each test that needs one shows as skipped, with the reason.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
sys.path += [str(TESTS / "unit"), str(TESTS / "differential")]  # litmus programs, drawn launches

from hardware import Hardware, hardware_found, says_not_tested  # noqa: E402  # after the path

from kvimpl.device.cuda import NoCudaDevice  # noqa: E402  # after the path


@pytest.fixture(scope="session")
def hardware() -> Hardware:
    """The GPU of this machine; without one the test is skipped."""
    try:
        return hardware_found()
    except NoCudaDevice as absent:
        pytest.skip(says_not_tested(absent))

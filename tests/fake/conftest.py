"""What the tests on the fake tier share: its libraries, or a skip that says what was not tested.

They need the CUDA build of torch, which `make test-fake` puts into an environment of its own. Where
it is there nothing is skipped: a missing compiler fails.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kvimpl.device.fake import Tier, TorchAbsent, build_tier, torch_libraries

sys.path.append(str(Path(__file__).parent))

NOT_TESTED = (
    "NOT TESTED: torch's own streams, events, allocators and sanitizer, which are CUDA's and which "
    "no stand-in shows: {}"
)


@pytest.fixture(scope="session")
def tier() -> Tier:
    """The fake libraries for the installed torch, kept in its environment."""
    try:
        libraries = torch_libraries()
    except TorchAbsent as absent:
        pytest.skip(NOT_TESTED.format(absent))
    folder = Path(sys.prefix) / "fake-libraries"
    folder.mkdir(exist_ok=True)
    return build_tier(folder, libraries)

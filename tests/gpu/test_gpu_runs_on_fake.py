"""The runs for a GPU are right on a driver without one, and tell planted mistakes there.

So a failure on hardware is one of the hardware, or of what only hardware reaches.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("cuda.bindings", reason="NOT TESTED: no cuda-bindings to run on")

from fake_process import ran

from kvimpl.device.fake import CompilerMissing, build

PROGRAMS = str(Path(__file__).with_name("hardware_on_fake.py"))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return build(tmp_path_factory.mktemp("fake"))
    except CompilerMissing as missing:
        pytest.skip(f"NOT TESTED: the runs for a GPU on the fake driver: {missing}")


def test_launchers_are_compared_by_bytes_and_wrong_ones_are_told(library: Path) -> None:
    got: dict[str, list[Any]] = ran(PROGRAMS, library, "launchers")
    kernels = ["gather_block_offsets", "write_tags", "read_tags", "copy_slots"]
    assert got == {"right": [[], []], "Nothing": kernels, "OneLess": kernels}


def test_litmus_programs_tell_a_stream_that_does_not_wait(library: Path) -> None:
    got: dict[str, list[str]] = ran(PROGRAMS, library, "litmus")
    assert got["right"] == []
    assert "wait_uses_the_latest_record" in got["NeverWaits"]


def test_the_bug_for_hardware_is_refused_on_a_quick_and_on_a_slow_device(library: Path) -> None:
    assert ran(PROGRAMS, library, "refused") == ["violated", "violated"]


def test_the_tests_of_gates_pass_on_a_driver_without_a_gpu(library: Path) -> None:
    forcible = ran(PROGRAMS, library, "gates")
    page = (Path(__file__).parents[2] / "docs" / "cuda.md").read_text(encoding="utf-8")
    assert f"orders forced by gates on hardware: {forcible} programs" in page

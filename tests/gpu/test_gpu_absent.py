"""What a machine without a GPU is told, and what is checked there of the tests that need one.

Run without a GPU on purpose: the devices are hidden from a pytest of its own.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hardware import NOT_TESTED, says_not_tested

from kvcheck.litmus import SUITE
from kvcheck.litmus.kernels import COPYING, SETTING
from kvimpl.device.cuda import NoCudaDevice
from kvimpl.device.kernels import KernelSource
from kvimpl.device.kernels.compile import (
    ARCHITECTURES,
    CompilerAbsent,
    CompileRefused,
    compiled,
    known_architectures,
)

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def _nvrtc_absent() -> str:
    try:
        known_architectures()
    except CompilerAbsent as absent:
        return str(absent)
    return ""


ABSENT = _nvrtc_absent()
with_nvrtc = pytest.mark.skipif(
    bool(ABSENT), reason=f"NOT TESTED, the litmus kernels were not compiled for any GPU: {ABSENT}"
)


@pytest.mark.parametrize("file", ["litmus", "manager", "launchers", "gates"])
def test_without_a_gpu_every_test_that_needs_one_skips_and_says_what_is_not_known(
    file: str,
) -> None:
    plain = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist")
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *plain, "-m", "gpu", str(HERE / f"test_gpu_{file}.py")],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "COLUMNS": "1000"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    last = ended.stdout.strip().splitlines()[-1]
    assert "skipped" in last
    assert "passed" not in last
    assert "deselected" not in last, "a test of this file is not marked gpu"
    assert "NOT TESTED: no CUDA device (" in ended.stdout
    assert all(what in ended.stdout for what in NOT_TESTED)


def test_the_skip_names_its_cause_and_what_was_not_tested() -> None:
    said = says_not_tested(NoCudaDevice("no driver"))
    assert said.startswith("NOT TESTED: no CUDA device (no driver): litmus on hardware, ")


@with_nvrtc
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("source", [COPYING, SETTING], ids=lambda source: source.entry)
def test_the_litmus_kernels_compile(source: KernelSource, architecture: str) -> None:
    made = compiled(source, architecture)
    assert f".entry {source.entry}(" in made.ptx
    assert made.cubin.startswith(b"\x7fELF")


@with_nvrtc
def test_a_wrong_litmus_kernel_does_not_compile(tmp_path: Path) -> None:
    wrong = tmp_path / "copying.cu"
    wrong.write_text(COPYING.text.replace("*to =", "to ="), encoding="utf-8")
    with pytest.raises(CompileRefused, match=r"copying\.cu"):
        compiled(replace(COPYING, path=wrong), "90")


def test_the_extra_that_errors_name_holds_what_they_miss() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = " ".join(project["optional-dependencies"]["cuda"])
    for package in ("cuda-bindings", "nvidia-cuda-nvrtc", "cupy-cuda", "torch"):
        assert package in extra


def test_the_page_lists_each_gap_and_names_tests_that_are_there() -> None:
    page = (ROOT / "docs" / "cuda.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)`", page)
    assert len(named) >= 8
    assert [name for name in named if not (ROOT / name).is_file()] == []
    assert [what for what in NOT_TESTED if f"\n- {what}:" not in page] == []
    on_blocking = [name for name, test in SUITE.items() if test.program.blocking]
    says = f"{len(SUITE)} programs, free-running, over both runtimes; {len(on_blocking)} of them"
    assert says in " ".join(page.split())
    assert len(ARCHITECTURES) == 5, "five architectures"

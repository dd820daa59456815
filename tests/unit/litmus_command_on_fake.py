"""`kvproof litmus --device cuda` on the fake driver: its exit codes, and what it prints.

`test_litmus_command_on_fake.py` runs each in a process of its own. They decide nothing. NVRTC does
not load beside the fake driver, so the compiler alone is stood in for: a cubin is an image there.
"""

from __future__ import annotations

import shlex
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from functools import partial
from io import StringIO
from pathlib import Path
from types import MappingProxyType
from typing import Any
from unittest.mock import patch

from fake_process import Programs

from kvcheck import litmus
from kvcheck.cli.entry import run
from kvcheck.litmus import SUITE, Outcome, on_cuda
from kvimpl.device.cuda import CudaDevice, DriverRuntime, GatedDevice
from kvimpl.device.cuda.gates import WIDE_OPEN, Gates
from kvimpl.device.fake import FakeDriver, image
from kvimpl.device.kernels import KernelSource
from kvimpl.device.kernels.compile import Compiled, CompilerAbsent

PROGRAMS = Programs()
PAGE = Path(__file__).parents[2] / "docs" / "litmus.md"


def compiled(source: KernelSource, architecture: str) -> Compiled:
    "In place of NVRTC's."
    return Compiled(source, architecture, "", image(source))


def said(*arguments: str, **instead: Any) -> list[Any]:
    "The exit code and what was printed, with these in place of names of `on_cuda`."
    names = {"compiled": compiled, "known_architectures": lambda: ("90",), **instead}
    out, err = StringIO(), StringIO()
    with patch.multiple(on_cuda, **names), redirect_stdout(out), redirect_stderr(err):
        code = run(["litmus", "--device", "cuda", *arguments])
    return [int(code), out.getvalue() + err.getvalue()]


@PROGRAMS.add
def suite(fake: FakeDriver) -> object:
    "The page's line for a GPU, over devices that are quick at times; and what stays of them."
    lines = [line for line in PAGE.read_text().splitlines() if "--device cuda" in line]
    words = [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("$ ")]
    plain = ["kvproof", "litmus", "--device", "cuda"]
    assert words == [plain, [*plain, "--gated"]]
    fake.order(seed=1, eager=30)
    fewer = partial(on_cuda.on_cuda, rounds=20)
    return [*said(on_cuda=fewer), fake.live]


@PROGRAMS.add
def unclosed(fake: FakeDriver) -> object:
    "What stays where the planted mistake is to wait for a device and not to close it."
    fake.order(seed=1, eager=30)
    with patch.object(CudaDevice, "close", CudaDevice.quiesce):
        said("--select", "fifo_*")
    return fake.live


@PROGRAMS.add
def late(fake: FakeDriver) -> object:
    "Programs with pageable memory where the device reads it late."
    fake.order(seed=1, eager=30)
    fake.pageable_late(True)
    return said("--select", "pageable_*")


@PROGRAMS.add
def planted(fake: FakeDriver) -> object:
    "Of a test that allows too little, and of a backend that never waits: what is said of them."

    class NeverWaits(DriverRuntime):
        "The planted mistake: streams do not wait for events."

        def wait(self, stream: Any, event: Any) -> None:
            pass

    def allowing(name: str, *outcomes: Outcome) -> Any:
        wrong = replace(SUITE[name], allowed=frozenset(outcomes))
        return patch.object(litmus, "SUITE", MappingProxyType({**SUITE, name: wrong}))

    fake.order(seed=1, eager=30)
    with allowing("two_streams_are_unordered", (1,)):
        too_little = said("--select", "two_streams_*", "--select", "fifo_*")
    waiting = ("--select", "wait_uses_*", "--select", "fifo_*")
    return [too_little, said(*waiting), said(*waiting, DriverRuntime=NeverWaits)]


@PROGRAMS.add
def gated(fake: FakeDriver) -> object:
    "The page's line with gates, over a slow device and a fast one; and what stays of them."
    got = []
    fewer = partial(on_cuda.on_cuda, rounds=2)
    for pace in (0, 100):
        fake.order(seed=1, eager=pace)
        got.append(said("--gated", on_cuda=fewer))
    return [*got, said("--gated", "--select", "pageable_source_late"), fake.live]


@PROGRAMS.add
def planted_gated(fake: FakeDriver) -> object:
    "Where gates hold nothing, where a test allows too little, and on the simulated device."

    def holds_nothing(gates: Any, stream: Any, enqueue: Any, *, ahead: Any) -> Any:
        gate = gates._of(stream)
        gate.enqueued += 1
        gate.words[1] = WIDE_OPEN
        return enqueue()

    fake.order(seed=1, eager=100)
    pair = ("--gated", "--select", "two_streams_*", "--select", "fifo_*")
    right = said(*pair)
    with patch.object(Gates, "around", holds_nothing):
        ungated = said(*pair)
    with patch.object(GatedDevice, "record", lambda *_: None):
        stuck = said("--gated", "--select", "record_and_*")
    wrong = replace(SUITE["two_streams_are_unordered"], allowed=frozenset({(1,)}))
    with patch.object(litmus, "SUITE", MappingProxyType({**SUITE, wrong.name: wrong})):
        too_little = said(*pair)
    return [right, ungated, stuck, too_little]


@PROGRAMS.add
def absent(fake: FakeDriver) -> object:
    "What is said without a device, without a compiler, and where nothing is selected."

    def no_compiler() -> None:
        raise CompilerAbsent("NVRTC cannot be loaded. It is not installed. Install it.")

    fake.fail("cuInit", 100)
    no_device = said()
    without = said(known_architectures=no_compiler)
    nothing = said("--select", "nothing_*")
    fake.fail("cuInit", 100)
    return [no_device, without, nothing, said("--gated"), said("--gated", "--select", "nothing_*")]


if __name__ == "__main__":
    PROGRAMS.main()

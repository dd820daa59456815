"""Runs programs of real torch on the fake tier, each in a process of its own.

A process has one libcuda. So a test calls `ran`, which starts a file of programs, and reads what
the program saw as JSON. It decides nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kvcheck.litmus.kernels import KERNELS
from kvimpl.device.cuda import DriverLauncher, Packed
from kvimpl.device.fake import FakeDriver, Tier, add_twin, image, load_tier
from kvimpl.device.kernels import KernelSource, Pointer, Scalar
from kvimpl.device.port import Bytes, Grid, Mode, Space

HERE = Path(__file__).parent
RUN_S = 600


def _rows(arguments: Any) -> None:
    target, source, count = arguments
    held: Bytes = source
    target.write(held.read(0, count))


GATHER = KernelSource(
    entry="gather_rows",
    path=HERE / "gather_rows.cu",
    parameters=(
        Pointer("to", Mode.WRITE, Space.PINNED, alignment=1),
        Pointer("from", Mode.READ, Space.PINNED, alignment=1),
        Scalar("count"),
    ),
    needs=lambda given: {"to": given["count"], "from": given["count"]},
    work=lambda given: given["count"],
    body=_rows,
)
"""A kernel of the program's own: so many bytes from one place to another."""


@dataclass
class Bench:
    "torch on the fake driver, and a launcher for the program's own kernel."

    fake: FakeDriver
    torch: Any

    def __post_init__(self) -> None:
        self.launcher = DriverLauncher(image)
        for source in (*KERNELS, GATHER):
            add_twin(self.fake, source)

    def gather(self, to: Any, source: Any, stream: Any) -> None:
        "The kernel, on two tensors of as many bytes; torch is not told of it."
        count = to.numel() * to.element_size()
        values = (to.data_ptr(), source.data_ptr(), count)
        call = Packed(values, (8, 8, 4), Grid())
        self.launcher.launch(GATHER, call, stream.cuda_stream)

    def device(self, count: int, value: int | None = None) -> Any:
        "Bytes on the device."
        made = self.torch.empty(count, dtype=self.torch.uint8, device="cuda")
        if value is not None:
            made.copy_(self.pinned(count, value))
        return made

    def pinned(self, count: int, value: int | None = None) -> Any:
        "Pinned bytes, from torch's allocator."
        made = self.torch.empty(count, dtype=self.torch.uint8, pin_memory=True)
        return made if value is None else made.fill_(value)

    def first(self, tensor: Any) -> int:
        "The first byte, when everything has completed."
        self.torch.cuda.synchronize()
        return int(tensor.cpu()[0])


Program = Callable[[Bench], object]


class Programs(dict[str, Program]):
    "Programs by name."

    def add(self, function: Program) -> Program:
        self[function.__name__] = function
        return function

    def main(self) -> None:
        "Run the one that the command line names, on the tier that it names."
        paths = [Path(path) for path in json.loads(sys.argv[1])]
        fake, torch = load_tier(Tier(paths[0], paths[1], tuple(paths[2:])))
        print(json.dumps(self[sys.argv[2]](Bench(fake, torch))))


def ran(file: str, tier: Tier, name: str) -> Any:
    "What the program of that name, in that file here, saw."
    paths = json.dumps([str(path) for path in (tier.driver, tier.runtime, *tier.others)])
    ended = subprocess.run(
        [sys.executable, str(HERE / file), paths, name],
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
        env={**os.environ, "PYTHONPATH": str(HERE)},
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return json.loads(ended.stdout.splitlines()[-1])

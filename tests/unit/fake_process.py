"""Runs programs of the CUDA device on the fake driver, each in a process of its own.

A process has one libcuda. So a test calls `ran`, which starts a file of programs, and reads what
the program saw as JSON. It decides nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kvimpl.device.fake import FakeDriver

UNIT = Path(__file__).parent
FOLDERS = (UNIT, UNIT.parent / "differential", UNIT.parent / "gpu")

Program = Callable[[FakeDriver], object]


class Programs(dict[str, Program]):
    "Programs by name."

    def add(self, function: Program) -> Program:
        self[function.__name__] = function
        return function

    def main(self) -> None:
        "Run the one that the command line names, on the library that it names."
        from kvcheck.litmus.kernels import KERNELS
        from kvimpl.device.fake import add_twin

        fake = FakeDriver(Path(sys.argv[1]))
        for source in KERNELS:
            add_twin(fake, source)
        print(json.dumps(self[sys.argv[2]](fake)))


def ran(file: str, library: Path, name: str, *, timeout: float = 300) -> Any:
    "What the program of that name, in that file here, saw."
    ended = subprocess.run(
        [sys.executable, str(UNIT / file), str(library), name],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, FOLDERS))},
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return json.loads(ended.stdout)

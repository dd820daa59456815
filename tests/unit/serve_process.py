"""`kvproof serve` as a process of its own, which is killed if nobody stopped it."""

from __future__ import annotations

import signal
import subprocess
import sys

MAIN = "import sys; from kvcheck.cli.entry import run; sys.exit(run(sys.argv[1:]))"


class Serve:
    "It listens from its making on; `said` is what it printed till then."

    def __init__(self, *arguments: str, table_lines: int = 5) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", MAIN, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        lines = [self._process.stdout.readline()]
        if lines[0]:
            while "----" not in lines[-1]:
                lines.append(self._process.stdout.readline())
            lines += [self._process.stdout.readline() for _ in range(table_lines - 2)]
        self.said = "".join(lines)
        self.address = self.said.split(";")[0].removeprefix("listening at ")

    def __enter__(self) -> Serve:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def stop(self, number: signal.Signals) -> tuple[int, str]:
        "Its exit code, and what it said at its end."
        self._process.send_signal(number)
        out, err = self._process.communicate(timeout=60)
        assert err == ""
        return self._process.returncode, out

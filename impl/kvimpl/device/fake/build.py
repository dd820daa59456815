"""Builds the fake driver with the machine's C++ compiler, once for each source text.

It decides where the library is and when it is built again, not who loads it. The idea: the folder
is named by the hash of source and command, and a finished library is moved into place in one step,
so that two builders at once do no harm.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

SOURCE = Path(__file__).with_name("driver.cpp")
COMMAND = ("-std=c++17", "-O1", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1")
LIBRARY = "libcuda.so.1"


class CompilerMissing(Exception):
    """No C++ compiler, or it refused the source."""


def build(folder: Path, *, compiler: str = "g++") -> Path:
    """The library under the folder, built if it is not there.

    Raises:
        CompilerMissing: there is no such compiler, or it failed.
    """
    text = SOURCE.read_bytes()
    name = hashlib.sha256(text + " ".join((compiler, *COMMAND)).encode()).hexdigest()[:16]
    place = folder / f"fake-driver-{name}"
    library = place / LIBRARY
    if library.exists():
        return library
    found = shutil.which(compiler)
    if found is None:
        raise CompilerMissing(
            f"The fake driver is built by '{compiler}', which is not on the path. No C++ compiler "
            "is installed, or it has another name. Install one, or pass compiler=."
        )
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        out = Path(scratch) / LIBRARY
        command = [found, *COMMAND, "-o", str(out), str(SOURCE), "-ldl"]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise CompilerMissing(
                f"'{compiler}' refused {SOURCE.name}: {ended.stderr.strip()[:400]}. The compiler "
                "is most likely older than C++17. Pass a newer one as compiler=."
            )
        out.replace(library)
    return library

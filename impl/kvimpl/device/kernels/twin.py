"""A kernel's CUDA text compiled as C++, and run on the CPU in a process of its own.

It decides whether that run is clean: threads in a shuffled order, every argument in pages that
allow only what is declared, AddressSanitizer and UndefinedBehaviorSanitizer on. It does not compare
results. What it cannot show: two threads at once, the memory of a GPU, warps. The idea: the
executable answers request after request until a kernel does what it may not; then it dies, and its
last words are the finding.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from struct import pack
from types import TracebackType
from typing import IO

from kvimpl.device.kernels.source import THREADS, KernelSource, Pointer
from kvimpl.device.port.values import Mode

COMPILERS = ("c++", "g++", "clang++")
FLAGS = (
    "-std=c++17",
    "-O1",
    "-g1",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-fno-omit-frame-pointer",
)
SHIM = Path(__file__).with_name("twin.h")
_MODES = {Mode.READ: 1, Mode.WRITE: 2, Mode.READ_WRITE: 3}


class TwinAbsent(Exception):
    """There is no C++ compiler with sanitizers here; nothing was run."""


class TwinRefused(Exception):
    """The text does not compile as C++ under the shim."""


class TwinDied(Exception):
    """The kernel did what it may not; the message holds the twin's last words."""


@dataclass(frozen=True, slots=True)
class Launch:
    """One launch: bytes by pointer, numbers by scalar, how it is spread and in which order."""

    bytes: Mapping[str, bytes]
    scalars: Mapping[str, int]
    blocks: int = 1
    threads: int = THREADS
    seed: int = 0


def cxx() -> str:
    """The C++ compiler. Raises: TwinAbsent, where there is none that links the sanitizers."""
    found = next((path for name in COMPILERS if (path := shutil.which(name))), None)
    if found is None:
        raise TwinAbsent(
            f"None of {', '.join(COMPILERS)} is there, so no kernel was run on the CPU. A C "
            "compiler alone does not do. Install one, on Debian or Ubuntu: apt-get install g++."
        )
    with tempfile.TemporaryDirectory() as folder:
        made = _compile(found, "int main() { return 0; }\n", Path(folder) / "empty")
    if made.returncode:
        raise TwinAbsent(
            f"{found} cannot build with sanitizers, so no kernel was run on the CPU. Most likely "
            "its sanitizer libraries are packaged apart (libasan, libubsan). Install them:\n"
            + made.stderr
        )
    return found


def built(source: KernelSource, folder: Path) -> Path:
    """The twin's executable, in the folder. Raises: TwinAbsent, TwinRefused."""
    compiler = cxx()
    path = folder / f"{source.entry}_twin"
    made = _compile(compiler, _main(source), path)
    if made.returncode:
        raise TwinRefused(
            f"{source.path} does not compile as C++. Most likely it uses a word of CUDA that "
            f"{SHIM.name} does not have, or its parameters differ from the description. Mend the "
            f"first line that the compiler names:\n{made.stderr}"
        )
    return path


class Twin:
    """A running twin. Used as a context, it ends with it; after `TwinDied` it begins afresh."""

    def __init__(self, source: KernelSource, executable: Path) -> None:
        self._source = source
        self._executable = executable
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Twin:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def run(self, launch: Launch) -> dict[str, bytes]:
        """The bytes of each pointer that may be written, after the launch.

        Raises:
            TwinDied: a byte outside an argument, a write where only reads are declared, undefined
                behaviour.
        """
        process = self._process or subprocess.Popen(
            [self._executable],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._process = process
        requests, answers = process.stdin, process.stdout
        assert requests is not None
        assert answers is not None
        try:
            requests.write(self._request(launch))
            requests.flush()
            _exactly(answers, 1)
            return {
                p.name: _exactly(answers, len(launch.bytes[p.name]))
                for p in self._source.parameters
                if isinstance(p, Pointer) and p.mode.writes
            }
        except (EOFError, BrokenPipeError):
            words = self._end()
            raise TwinDied(
                f"Kernel {self._source.entry} did on the CPU what it may not. Most likely a bound "
                f"is missing, or the description is wrong. Its last words:\n{words}"
            ) from None

    def _request(self, launch: Launch) -> bytes:
        parts = [pack("<QII", launch.seed, launch.blocks, launch.threads)]
        for parameter in self._source.parameters:
            if isinstance(parameter, Pointer):
                data = launch.bytes[parameter.name]
                parts.append(pack("<Q", len(data)) + data)
            else:
                parts.append(pack("<Q", launch.scalars[parameter.name]))
        return b"".join(parts)

    def _end(self) -> str:
        process, self._process = self._process, None
        if process is None:
            return ""
        _, words = process.communicate()
        return words.decode(errors="replace").strip()


def reads_of_written(
    twin: Twin, source: KernelSource, launch: Launch
) -> tuple[tuple[str, int], ...]:
    """Pointers declared write whose old bytes reached the results of this launch, and where.

    The launch runs twice over complementary old bytes: a byte of the results must be the old one
    both times, or the same both times.
    """
    written = [p.name for p in source.parameters if isinstance(p, Pointer) and p.mode is Mode.WRITE]
    other = {name: bytes(255 - byte for byte in launch.bytes[name]) for name in written}
    again = Launch(
        {**launch.bytes, **other}, launch.scalars, launch.blocks, launch.threads, launch.seed
    )
    first, second = twin.run(launch), twin.run(again)
    return tuple(
        (name, at)
        for name in written
        for at, (one, two) in enumerate(zip(first[name], second[name], strict=True))
        if one != two and (one, two) != (launch.bytes[name][at], other[name][at])
    )


def _main(source: KernelSource) -> str:
    """A C++ file of the kernel's text and a `main` that serves it."""
    pointers = [p if isinstance(p, Pointer) else None for p in source.parameters]
    names = ", ".join(f'"{p.name if p else ""}"' for p in pointers)
    modes = ", ".join(str(_MODES[p.mode] if p else 0) for p in pointers)
    alignments = ", ".join(str(p.alignment if p else 1) for p in pointers)
    widths = ", ".join(str(0 if isinstance(p, Pointer) else p.nbytes) for p in source.parameters)
    count = len(pointers)
    return (
        f'#include "{SHIM}"\n'
        f'#include "{source.path.resolve()}"\n'
        f'static_assert(twin::arity({source.entry}) == {count}, "as many as described");\n'
        f'static_assert(twin::like<{widths}>({source.entry}), "of those widths");\n'
        "int main() {\n"
        f"    static const char *const names[] = {{{names}}};\n"
        f"    static const unsigned char modes[] = {{{modes}}}, alignments[] = {{{alignments}}};\n"
        f"    return twin::serve({count}, names, modes, alignments,\n"
        f"                       [] {{ twin::call({source.entry}); }});\n"
        "}\n"
    )


def _compile(compiler: str, text: str, to: Path) -> subprocess.CompletedProcess[str]:
    command = [compiler, *FLAGS, "-x", "c++", "-", "-o", str(to)]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


def _exactly(answers: IO[bytes], count: int) -> bytes:
    data = answers.read(count)
    if len(data) < count:
        raise EOFError
    return data

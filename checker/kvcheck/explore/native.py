"""Compiling generated C and keeping the result: the C compiler, its flags and the cache.

It decides which shared library belongs to a source text; it loads nothing. The name of a library
is a hash of the text, the flags and the compiler's version, and it appears by an atomic rename, so
that two runs may share a cache; it ends in its checksum, so that a damaged one is built again; a
cache that cannot be written is done without.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

COMPILERS = ("cc", "gcc", "clang")
FLAGS = ("-O2", "-march=native", "-shared", "-fPIC", "-pthread", "-w", "-std=gnu11")


class NoCompiler(Exception):
    """There is no compiled engine on this machine, or not for this model: why not."""


@dataclass(frozen=True, slots=True)
class Compiler:
    """A compiler that answered, and what it says its version is."""

    path: str
    version: str


def find_compiler(wanted: str | None) -> Compiler:
    """The compiler asked for, or the first one on the path; raises `NoCompiler`."""
    names = (wanted,) if wanted else COMPILERS
    path = next((found for name in names if (found := shutil.which(name))), None)
    if path is None:
        raise NoCompiler(f"no C compiler found ({', '.join(names)})")
    try:
        answer = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise NoCompiler(f"{path} does not run: {error}") from error
    return Compiler(path, answer.stdout.splitlines()[0] if answer.stdout else "")


class Build:
    """A compilation under way in a process of its own."""

    def __init__(self, source: str, compiler: Compiler, cache_dir: Path | None) -> None:
        self.compiler = compiler
        key = "\0".join((source, *FLAGS, compiler.version))
        self.digest = hashlib.sha256(key.encode()).hexdigest()[:24]
        self._kept = cache_dir / f"{self.digest}.so" if cache_dir else None
        self._scratch: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        if self._kept and _is_whole(self._kept):
            return
        try:
            self._scratch = _scratch_dir(cache_dir)
            text = self._scratch / "model.c"
            text.write_text(source, encoding="utf-8")
            self._process = subprocess.Popen(
                [compiler.path, *FLAGS, "-o", str(self._scratch / "model.so"), str(text)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=(self._scratch / "errors").open("wb"),
            )
        except OSError as error:
            self.close()
            raise NoCompiler(f"the C source could not be compiled: {error}") from error

    def ready(self) -> bool:
        """Whether `library` would not wait."""
        return self._process is None or self._process.poll() is not None

    def library(self) -> Path:
        """The finished library, waiting for it; raises `NoCompiler` if there will be none.

        The file is the caller's until `close`.
        """
        if self._process is None:
            assert self._kept is not None
            return self._kept
        assert self._scratch is not None
        made = self._scratch / "model.so"
        if self._process.wait() != 0 or not made.is_file():
            said = (self._scratch / "errors").read_text(errors="replace").splitlines()
            first = next((line for line in said if "error" in line), "it gave no message")
            raise NoCompiler(f"{self.compiler.path} failed: {first}")
        if self._kept is not None:
            with contextlib.suppress(OSError):  # the library is usable where it is
                with made.open("ab") as file:
                    file.write(hashlib.sha256(made.read_bytes()).digest())
                os.replace(made, self._kept)
                return self._kept
        return made

    def close(self) -> None:
        """Stop the compiler if it still runs and remove what it left."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)


def _is_whole(path: Path) -> bool:
    """Whether a kept library ends in its own checksum: loading a damaged one would be a crash."""
    try:
        data = path.read_bytes()
    except OSError:
        return False
    return len(data) > 32 and hashlib.sha256(data[:-32]).digest() == data[-32:]


def _scratch_dir(cache_dir: Path | None) -> Path:
    """A new directory beside the cached libraries, so that a rename is atomic; else anywhere."""
    if cache_dir is not None:
        with contextlib.suppress(OSError):
            cache_dir.mkdir(parents=True, exist_ok=True)
            return Path(tempfile.mkdtemp(prefix="build-", dir=cache_dir))
    return Path(tempfile.mkdtemp(prefix="kvproof-"))

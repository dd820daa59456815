"""`kvproof doctor`: what this machine can check and what not, one line each with the mend.

It decides what is looked at; nothing is changed, no result depends on it.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from kvcheck.cli.settings import Settings, shared_options
from kvcheck.verdict import Exit

MEMORY_LOW_GIB = 4


@dataclass(frozen=True, slots=True)
class Sign:
    """One line: what, whether it is there, what was seen, and how to get it."""

    what: str
    state: str  # "yes", "no" or "absent": "no" is needed, "absent" only useful
    seen: str
    mend: str = ""


@click.command("doctor")
@shared_options
def command(settings: Settings) -> Exit:
    """Say what this machine can check, and what it cannot and why.

    Exits 11 where something that every check needs is missing.
    """
    from kvcheck.cli.choose import select
    from kvcheck.cli.output import Output

    names = select(tuple(LOOKS), settings.select, what="check")
    signs = [LOOKS[name]() for name in names]
    rows = [[sign.what, sign.state, sign.seen, sign.mend] for sign in signs]
    Output().table(["what", "there", "seen", "mend"], rows)
    return Exit.ENVIRONMENT_ABSENT if any(sign.state == "no" for sign in signs) else Exit.OK


def _python() -> Sign:
    good = sys.version_info >= (3, 11)
    return Sign(
        "python",
        "yes" if good else "no",
        platform.python_version(),
        _unless(good, "install Python 3.11 or later"),
    )


def _z3() -> Sign:
    try:
        return Sign("z3", "yes", version("z3-solver"))
    except PackageNotFoundError:
        return Sign("z3", "no", "not installed: no proofs", "pip install z3-solver")


def _compiler() -> Sign:
    found = next((c for c in ("cc", "gcc", "clang") if shutil.which(c)), None)
    if found:
        return Sign("compiler", "yes", str(shutil.which(found)))
    return Sign(
        "compiler",
        "absent",
        "no cc, gcc or clang: searches run in Python, about a hundred times slower",
        "apt-get install gcc libc6-dev (or your system's compiler)",
    )


def _cxx() -> Sign:
    found = next((c for c in ("c++", "g++", "clang++") if shutil.which(c)), None)
    if found:
        return Sign("c++", "yes", str(shutil.which(found)))
    seen = "no c++, g++ or clang++: kernels are not run on the CPU"
    return Sign("c++", "absent", seen, "apt-get install g++ (or your system's compiler)")


def _nvrtc() -> Sign:
    try:
        seen = f"{version('nvidia-cuda-nvrtc')}, bindings {version('cuda-bindings')}"
    except PackageNotFoundError:
        seen = "not installed: kernels are not compiled for GPUs"
        return Sign("nvrtc", "absent", seen, "pip install cuda-bindings nvidia-cuda-nvrtc")
    return Sign("nvrtc", "yes", seen)


def _cores() -> Sign:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Sign("cores", "yes", f"{usable} usable")


def _memory() -> Sign:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (ValueError, OSError, AttributeError):
        return Sign("memory", "absent", "this system does not say", "limit it with --memory")
    states = int(total * 2**30 * 0.8 / 40)
    seen = f"{total:.1f} GiB, about {states:.0e} states".replace("e+0", "e")
    low = total < MEMORY_LOW_GIB
    return Sign("memory", "yes", seen, "use smaller sizes" if low else "")


def _abc() -> Sign:
    found = next((c for c in ("berkeley-abc", "abc", "yosys-abc") if shutil.which(c)), None)
    if found:
        return Sign("abc", "yes", str(shutil.which(found)))
    return Sign(
        "abc",
        "absent",
        "no --pdr: nothing finds missing lemmas by itself",
        "apt-get install berkeley-abc",
    )


def _cache() -> Sign:
    from kvcheck.cli.explore_command import cache_folder

    folder = cache_folder()
    reason = _cannot_write(folder)
    if reason is None:
        return Sign("cache", "yes", str(folder))
    return Sign(
        "cache", "absent", f"{folder}: {reason}: every run starts afresh", "set XDG_CACHE_HOME"
    )


def _cannot_write(folder: Path) -> str | None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder):
            return None
    except OSError as error:
        return error.strerror or str(error)


def _gpu() -> Sign:
    try:
        devices = [p.name for p in Path("/dev").glob("nvidia[0-9]*")]
    except OSError:
        devices = []
    if devices:
        return Sign("gpu", "yes", f"{len(devices)} NVIDIA device(s); for --device cuda")
    return Sign("gpu", "absent", "no NVIDIA device; designs are checked without one")


def _torch() -> Sign:
    return _extra("torch", "torch", "no `kvproof watch`", "make device (or pip install torch)")


def _sockets() -> Sign:
    return _extra("pyzmq", "pyzmq", "no `kvproof serve`", "pip install pyzmq")


def _extra(what: str, package: str, without: str, mend: str) -> Sign:
    try:
        return Sign(what, "yes", version(package))
    except PackageNotFoundError:
        return Sign(what, "absent", f"not installed: {without}", mend)


def _unless(good: bool, mend: str) -> str:
    return "" if good else mend


LOOKS: dict[str, Callable[[], Sign]] = {
    "python": _python,
    "z3": _z3,
    "compiler": _compiler,
    "c++": _cxx,
    "nvrtc": _nvrtc,
    "cores": _cores,
    "memory": _memory,
    "abc": _abc,
    "torch": _torch,
    "pyzmq": _sockets,
    "cache": _cache,
    "gpu": _gpu,
}

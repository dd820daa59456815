"""Compiles a kernel for one GPU architecture with NVRTC, the compiler that needs no GPU.

It decides what is asked of the compiler and what a refusal says; it loads and launches nothing.
A warning is a refusal too. The packages `cuda-bindings` and `nvidia-cuda-nvrtc` are imported only
here, when something is compiled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kvimpl.device.kernels.source import KernelSource

ARCHITECTURES = ("80", "90", "100", "103", "120")


class CompilerAbsent(Exception):
    """NVRTC is not there, or cannot be loaded; nothing was compiled."""


class CompileRefused(Exception):
    """The compiler refused the text, or warned; its own lines follow the three sentences."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A kernel for one architecture: as PTX with source lines, and as machine code."""

    source: KernelSource
    architecture: str
    ptx: str
    cubin: bytes


def compiled(source: KernelSource, architecture: str) -> Compiled:
    """The kernel for an architecture, such as "90".

    Raises:
        CompilerAbsent: there is no NVRTC here.
        CompileRefused: an error or a warning, or an architecture that this NVRTC does not know.
    """
    nvrtc = _nvrtc()
    known = _known(nvrtc)
    if architecture not in known:
        raise CompileRefused(
            f"This NVRTC does not compile for sm_{architecture}. Most likely it is older than the "
            f"architecture, or the name is wrong. Choose one of: {', '.join(known)}."
        )
    name = source.path.name.encode()
    error, program = nvrtc.nvrtcCreateProgram(source.text.encode(), name, 0, [], [])
    _expect(nvrtc, error)
    try:
        options = [f"--gpu-architecture=sm_{architecture}".encode(), b"--std=c++17", b"-lineinfo"]
        (error,) = nvrtc.nvrtcCompileProgram(program, len(options), options)
        log = _text(nvrtc.nvrtcGetProgramLogSize, nvrtc.nvrtcGetProgramLog, program)
        said = log.rstrip(b"\0").decode().strip()
        if error != nvrtc.nvrtcResult.NVRTC_SUCCESS or said:
            raise CompileRefused(
                f"NVRTC did not compile {source.path} for sm_{architecture} without complaint. "
                "Most likely the text is not CUDA C++17, or uses what this architecture lacks. "
                f"Mend the first line that it names:\n{said}"
            )
        ptx = _text(nvrtc.nvrtcGetPTXSize, nvrtc.nvrtcGetPTX, program).rstrip(b"\0").decode()
        cubin = _text(nvrtc.nvrtcGetCUBINSize, nvrtc.nvrtcGetCUBIN, program)
        return Compiled(source, architecture, ptx, cubin)
    finally:
        nvrtc.nvrtcDestroyProgram(program)


def known_architectures() -> tuple[str, ...]:
    """What the installed NVRTC compiles for. Raises: CompilerAbsent."""
    return _known(_nvrtc())


# NVRTC's module has no types of its own, and neither have its functions and programs.
def _nvrtc() -> Any:
    try:
        from cuda.bindings import nvrtc

        status, *_ = nvrtc.nvrtcVersion()
    except (ImportError, RuntimeError) as absent:  # the second: bindings without the library
        raise CompilerAbsent(
            f"NVRTC cannot be loaded ({absent}), so no kernel was compiled. Most likely its two "
            "packages are not installed. Run: pip install cuda-bindings nvidia-cuda-nvrtc."
        ) from absent
    _expect(nvrtc, status)
    return nvrtc


def _known(nvrtc: Any) -> tuple[str, ...]:
    error, numbers = nvrtc.nvrtcGetSupportedArchs()
    _expect(nvrtc, error)
    return tuple(str(number) for number in numbers)


def _text(size_of: Any, fill: Any, program: Any) -> bytes:
    _, size = size_of(program)
    text = bytes(size)  # the binding fills it in place
    fill(program, text)
    return text


def _expect(nvrtc: Any, error: Any) -> None:
    if error != nvrtc.nvrtcResult.NVRTC_SUCCESS:
        raise CompileRefused(
            f"NVRTC failed by itself: {error}. Most likely its two packages are of different "
            "releases. Run: pip install --upgrade cuda-bindings nvidia-cuda-nvrtc."
        )

"""torch's own CUDA build on the fake driver: builds what it wants, and loads it in this process.

It decides the order of loading, nothing else. The idea: a library that is loaded under a name is
the one that everybody after it gets, so the fakes are loaded first, by path, and torch finds them
under the names that NVIDIA's would have. No path, variable or file of torch is changed.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from kvimpl.device.fake.build import HERE, build
from kvimpl.device.fake.control import FakeDriver
from kvimpl.device.fake.stubs import defined, stub, wanted

RUNTIME = HERE / "runtime.cpp"


class TorchAbsent(Exception):
    """No torch in this environment, or not its CUDA build."""


@dataclass(frozen=True, slots=True)
class Tier:
    """The libraries: the driver first, then the runtime, then the others."""

    driver: Path
    runtime: Path
    others: tuple[Path, ...]


def torch_libraries() -> Path:
    """The folder of torch's own libraries, without importing torch.

    Raises:
        TorchAbsent: torch is not installed, or built for CPU.
    """
    spec = find_spec("torch")
    origin = None if spec is None else spec.origin
    folder = Path(origin).parent / "lib" if origin else None
    if folder is None or not (folder / "libtorch_cuda.so").exists():
        found = "torch is not installed" if folder is None else f"{folder} has no libtorch_cuda.so"
        raise TorchAbsent(
            f"{found}. This environment has no CUDA build of torch, which the fake tier runs. Use "
            "the environment that `make test-fake` makes: .venv-fake."
        )
    return folder


def build_tier(folder: Path, libraries: Path) -> Tier:
    """The libraries for the torch whose own are in `libraries`, built where they are not there.

    Raises:
        CompilerMissing: no compiler or no binutils, or it failed.
    """
    want = wanted(libraries)
    runtime = next(name for name in want.libraries if name.startswith("libcudart."))
    others = [name for name in want.libraries if name not in (runtime, "libcuda.so.1")]
    return Tier(
        build(folder),
        stub(folder, runtime, want, but=defined(RUNTIME), sources=(RUNTIME,)),
        tuple(stub(folder, name, want) for name in others),
    )


def load_tier(tier: Tier) -> tuple[FakeDriver, Any]:
    """The fake driver's controls, and torch on it. In a process that has loaded neither.

    Raises:
        TorchAbsent: torch was imported before, or does not see the fake device.
    """
    fake = FakeDriver(tier.driver)
    _load((tier.runtime, *tier.others))
    torch = import_module("torch")
    if not torch.cuda.is_available() or "fake" not in torch.cuda.get_device_name(0):
        raise TorchAbsent(
            "torch does not see the fake device. It was imported before the fake libraries were "
            "loaded, or a real driver was. Load the tier first, in a process of its own."
        )
    return fake, torch


def _load(libraries: Sequence[Path]) -> None:
    for library in libraries:
        ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)

"""A libcuda without a GPU: programs of `cuda.bindings.driver` run on it, and torch's CUDA build.

`driver.cpp` is the driver; `tier` puts torch on it; `control` says what executes and what fails.
"""

from __future__ import annotations

from kvimpl.device.fake.build import CompilerMissing, build
from kvimpl.device.fake.control import FakeDriver, Parameter, Twin
from kvimpl.device.fake.tier import Tier, TorchAbsent, build_tier, load_tier, torch_libraries
from kvimpl.device.fake.twins import add_twin, image

__all__ = [
    "CompilerMissing",
    "FakeDriver",
    "Parameter",
    "Tier",
    "TorchAbsent",
    "Twin",
    "add_twin",
    "build",
    "build_tier",
    "image",
    "load_tier",
    "torch_libraries",
]

"""A libcuda without a GPU, on which programs of `cuda.bindings.driver` run; see `driver.cpp`."""

from __future__ import annotations

from kvimpl.device.fake.build import CompilerMissing, build
from kvimpl.device.fake.control import FakeDriver, Parameter, Twin
from kvimpl.device.fake.twins import add_twin, image

__all__ = [
    "CompilerMissing",
    "FakeDriver",
    "Parameter",
    "Twin",
    "add_twin",
    "build",
    "image",
]

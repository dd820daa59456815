"""Known bugs, one file each: a design with a method overridden, by the id the command line takes.

To add one: its file, its line here, its tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from kvspec.bugs import s1_1
from kvspec.bugs.bug import Bug

BUGS: Mapping[str, Bug] = MappingProxyType({bug.id: bug for bug in (s1_1.BUG,)})

__all__ = ["BUGS", "Bug"]

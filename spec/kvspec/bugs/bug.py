"""What a known bug is: a design with a method overridden, and what must break because of it.

It decides nothing about how a bug is found. The idea: a bug names the obligations it breaks, so
that an obligation that stops noticing its bug is itself noticed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kvspec.lang import Machine


@dataclass(frozen=True, kw_only=True)
class Bug:
    """One wrong variant.

    `id` is the file's name with dashes; `row` a row of the founding cases, such as "S1.1", or the
    invariant it is there for; `design` the right machine's name in `STATED`; `machine` the
    variant; `sizes` the keywords of its `instance`; `source` where it happened; `sentence` what is
    wrong; `breaks` every property that it violates, and every action whose assertion fails;
    `killed_by` the engines that must find it: "explicit", "bounded", "induction".
    """

    id: str
    row: str
    design: str
    machine: type[Machine]
    source: str
    sentence: str
    breaks: tuple[str, ...]
    sizes: Mapping[str, int] = field(default_factory=dict)
    killed_by: tuple[str, ...] = ("explicit", "bounded", "induction")

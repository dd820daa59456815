"""From the words on the command line to machines at sizes.

It decides what a name and a size may be, and what a wrong one is told; the machines themselves are
in `kvspec.models`, the known bugs in `kvspec.bugs`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import cast

from kvcheck.cli.faults import Fault, nearest
from kvcheck.verdict import Exit
from kvspec.lang import Machine
from kvspec.lang.errors import SpecError
from kvspec.lang.ir import Model


@dataclass(frozen=True, slots=True)
class Target:
    """A machine, or the wrong variant of a bug, at every one of its sizes."""

    name: str
    machine: type[Machine]
    sizes: tuple[tuple[str, int], ...]
    overridden: tuple[str, ...] = ()
    subject: str = ""  # for a bug, what is wrong
    source: str = ""  # for a bug, where it happened

    def model(self) -> Model:
        """Trace it; sizes that a spec refuses are a fault of usage."""
        try:
            # every machine's `instance` has its own keyword sizes, which no base class can name
            instance = cast(Callable[..., Model], self.machine.instance)
            model = instance(**dict(self.sizes))
        except SpecError as error:
            raise Fault(
                f"{self.name}: {error.what}", cause=error.cause, mend=_mend(error)
            ) from error
        return model

    @property
    def size_text(self) -> str:
        """`P=2, S=2`."""
        return ", ".join(f"{name}={value}" for name, value in self.sizes)

    def one_larger(self) -> Target:
        """The same machine with one more of everything."""
        return replace(self, sizes=tuple((name, value + 1) for name, value in self.sizes))

    def command(self, verb: str) -> str:
        """The command that does this again."""
        given = dict(self.sizes)
        sizes = "".join(f" --size {name}={given[name]}" for name in self.overridden)
        return f"kvproof {verb} {self.name}{sizes}"


def _mend(error: SpecError) -> str:
    place = f" ({error.at.file}:{error.at.line}:{error.at.column})" if error.at else ""
    return f"{error.mend}{place}"


def known_names() -> dict[str, type[Machine]]:
    """Every machine and right variant by its key, and every known bug's wrong variant by its id."""
    from kvspec.bugs import BUGS
    from kvspec.models import MACHINES, VARIANTS

    names: dict[str, type[Machine]] = {**MACHINES, **VARIANTS}
    names.update({name: bug.machine for name, bug in BUGS.items()})
    return names


def choose(name: str, sizes: Sequence[tuple[str, int]]) -> Target:
    """The machine or bug of this name, at these sizes over its own."""
    from kvspec.bugs import BUGS

    names = known_names()
    key = _key(name)
    if key not in names:
        raise Fault(
            f"There is no machine or bug {name!r}.",
            cause=nearest(name, names),
            mend="`kvproof list` names them all.",
        )
    if key not in BUGS:
        return _at_sizes(key, names[key], {}, sizes)
    bug = BUGS[key]
    target = _at_sizes(key, names[key], bug.sizes, sizes)
    return replace(target, subject=bug.sentence, source=bug.source)


def _key(name: str) -> str:
    """The key that a word stands for: itself, in any case, or the one bug of a row (`S1.1`)."""
    from kvspec.bugs import BUGS

    folded = {key.lower(): key for key in known_names()}
    of_row = [bug.id for bug in BUGS.values() if bug.row.lower() == name.lower()]
    if name.lower() not in folded and len(of_row) > 1:
        raise Fault(
            f"{name} is the row of several bugs: {', '.join(of_row)}.",
            cause="A row may go wrong in more than one way.",
            mend="Name one of them.",
        )
    return folded.get(name.lower(), of_row[0] if of_row else name)


def choose_many(
    names: Sequence[str], sizes: Sequence[tuple[str, int]], default: Mapping[str, type[Machine]]
) -> tuple[Target, ...]:
    """The named machines, or all of `default`; a size goes to each machine that has it."""
    wanted = list(names) or list(default)
    if len(wanted) == 1:
        return (choose(wanted[0], sizes),)
    targets = [choose(name, ()) for name in wanted]
    known = {size for target in targets for size, _ in target.sizes}
    for size, _ in sizes:
        if size not in known:
            raise _unknown_size("none of these machines", size, known)
    return tuple(
        choose(target.name, [(s, v) for s, v in sizes if s in dict(target.sizes)])
        for target in targets
    )


def _at_sizes(
    name: str, machine: type[Machine], own: Mapping[str, int], sizes: Sequence[tuple[str, int]]
) -> Target:
    parameters = inspect.signature(machine.instance).parameters
    resolved = {key: parameter.default for key, parameter in parameters.items()}
    resolved |= own
    for size, value in sizes:
        if size not in resolved:
            raise _unknown_size(name, size, set(resolved))
        if value < 0:
            raise Fault(
                f"{name}: the size {size}={value} is negative.",
                cause="A size counts things.",
                mend=f"Write --size {size}=N with N at least 0.",
            )
        resolved[size] = value
    overridden = tuple(dict.fromkeys(size for size, _ in sizes))
    return Target(name, machine, tuple(resolved.items()), overridden)


def _unknown_size(where: str, size: str, known: set[str]) -> Fault:
    return Fault(
        f"{where} has no size {size!r}.",
        cause=nearest(size, known),
        mend="Write --size NAME=NUMBER with one of its names.",
    )


def select(names: Sequence[str], patterns: Sequence[str], *, what: str) -> tuple[str, ...]:
    """The names that match a pattern: exactly, as a glob, or as the part before a dot.

    No pattern selects all; a pattern that matches nothing is a fault, so that a misspelt selection
    cannot pass.
    """
    if not patterns:
        return tuple(names)
    found: dict[str, None] = {}
    for pattern in patterns:
        matching = [name for name in names if _matches(name, pattern)]
        if not matching:
            raise Fault(
                f"No {what} matches --select {pattern!r}.",
                cause=nearest(pattern, names),
                mend="Give a name, its beginning up to a dot, or a glob such as 'S1.*'.",
                code=Exit.NOTHING_RAN,
            )
        found.update(dict.fromkeys(matching))
    return tuple(name for name in names if name in found)


def _matches(name: str, pattern: str) -> bool:
    folded, wanted = name.lower(), pattern.lower()
    return (
        fnmatchcase(folded, wanted)
        or folded.startswith(f"{wanted}.")
        or fnmatchcase(folded, f"*/{wanted}")
    )

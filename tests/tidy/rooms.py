"""Which room may import what: the table of `docs/design.md`, "Rooms", as data and one rule.

It decides imports only, also those made lazily inside functions. The narrowest room that holds a
file is its room; a file in no room, or in a package that the table does not know, is a breach, so
that a new room states what it may import on the day it is built.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from rules import Breach, syntax

SOURCE_ROOTS = ("spec", "impl", "checker")
OTHER_ROOMS = ("tests", "bench")
HEAVY = frozenset({"torch", "cupy", "cuda"})


@dataclass(frozen=True, slots=True)
class Room:
    """A package or module and what it may import, besides the standard library and itself."""

    name: str
    may: tuple[str, ...]


ROOMS = (
    Room("kvspec", ()),
    Room("kvimpl", ("kvspec.events", "kvspec.staging_events")),
    Room("kvimpl.service", ("kvspec.events", "kvimpl", "msgspec", "zmq")),
    Room("kvimpl.device.cuda", ("kvspec.events", "kvimpl.device", "torch", "cupy", "cuda")),
    Room("kvimpl.device.kernels", ("kvimpl.device.port", "cuda")),
    Room("kvimpl.device.fake", ("kvspec.events", "kvimpl.device", "torch", "cupy", "cuda")),
    Room("kvcheck.verdict", ()),
    Room("kvcheck.solve", ("kvspec", "kvcheck.trace", "kvcheck.verdict", "z3")),
    Room("kvcheck.explore", ("kvspec", "kvcheck.trace", "kvcheck.verdict")),
    Room("kvcheck.export", ("kvspec",)),
    Room(
        "kvcheck.mutate",
        ("kvspec", "kvcheck.explore", "kvcheck.solve", "kvcheck.trace", "kvcheck.verdict"),
    ),
    Room("kvcheck.refine", ("kvspec",)),
    Room("kvcheck.schedule", ("kvimpl.device.port",)),
    Room("kvcheck.race", ("kvimpl.device.port", "kvimpl.device.sim")),
    Room(
        "kvcheck.watch",
        (
            "kvimpl.device.port",
            "kvimpl.device.sim",
            "kvcheck.race",
            "kvcheck.schedule",
            "kvcheck.verdict",
            "torch",
        ),
    ),
    Room(
        "kvcheck.lockstep",
        ("kvspec", "kvimpl", "kvcheck.schedule", "kvcheck.trace", "kvcheck.verdict"),
    ),
    Room(
        "kvcheck.fuzz",
        (
            "kvspec",
            "kvimpl",
            "kvcheck.lockstep",
            "kvcheck.schedule",
            "kvcheck.trace",
            "kvcheck.verdict",
            "msgspec",
        ),
    ),
    Room(
        "kvcheck.live",
        ("kvspec", "kvcheck.explore", "kvcheck.solve", "kvcheck.trace", "kvcheck.verdict"),
    ),
    Room(
        "kvcheck.threads",
        (
            "kvspec",
            "kvimpl",
            "kvcheck.linear",
            "kvcheck.lockstep",
            "kvcheck.schedule",
            "kvcheck.verdict",
        ),
    ),
    Room("kvcheck.linear", ("kvspec", "kvimpl", "kvcheck.schedule", "kvcheck.verdict")),
    Room("kvcheck.serving", ("kvspec.events", "kvimpl", "kvcheck.linear.host")),
    Room(
        "kvcheck.bridge",
        (
            "kvspec",
            "kvimpl",
            "kvcheck.explore",
            "kvcheck.fuzz",
            "kvcheck.lockstep",
            "kvcheck.schedule",
            "kvcheck.trace",
            "kvcheck.verdict",
        ),
    ),
    Room(
        "kvcheck.litmus",
        (
            "kvspec",
            "kvimpl",
            "kvcheck.explore",
            "kvcheck.schedule",
            "kvcheck.trace",
            "kvcheck.verdict",
            "z3",
        ),
    ),
    Room("kvcheck.trace", ("kvspec", "kvcheck.verdict", "msgspec")),
    Room("kvcheck.report", ("kvspec", "kvcheck.trace", "kvcheck.verdict", "rich", "jinja2")),
    Room("kvcheck", ("kvspec", "click", "rich", "msgspec", "platformdirs", "pytest")),
)


def module_name(path: str) -> str:
    """The dotted name of a source file: `checker/kvcheck/solve/cache.py` is kvcheck.solve.cache."""
    parts = PurePosixPath(path).with_suffix("").parts[1:]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> Room | None:
    """The narrowest room that holds the module."""
    holding = [room for room in ROOMS if _within(module, room.name)]
    return max(holding, key=lambda room: len(room.name), default=None)


def file_is_in_a_room(path: str, text: str) -> Iterator[Breach]:
    """Every Python file belongs to a room."""
    parts = PurePosixPath(path).parts
    if len(parts) > 1 and parts[0] in OTHER_ROOMS:
        return
    if len(parts) < 3 or parts[0] not in SOURCE_ROOTS or room_of(module_name(path)) is None:
        yield Breach(path, 1, "in no room: state it in tests/tidy/rooms.py and docs/design.md")
        return
    package = ".".join(parts[1:3]) if parts[0] == "checker" and len(parts) > 3 else ""
    if package and room_of(package) == room_of("kvcheck") and package != "kvcheck.cli":
        yield Breach(path, 1, f"'{package}' has no line of its own in tests/tidy/rooms.py")


def imports_keep_to_the_room(path: str, text: str) -> Iterator[Breach]:
    """A room imports only what its line of the table allows, lazily or not."""
    if PurePosixPath(path).parts[0] not in SOURCE_ROOTS:
        return
    room = room_of(module_name(path))
    if room is None:
        return
    for line, target in imported(path, text):
        if not _is_allowed(room, target):
            yield Breach(path, line, f"{room.name} may not import {target}")


def heavy_packages_wait(path: str, text: str) -> Iterator[Breach]:
    """torch, cupy and cuda are imported inside functions only."""
    for node in syntax(text).body:
        for line, target in _targets(node, path):
            if target.split(".")[0] in HEAVY:
                yield Breach(path, line, f"{target} is heavy: import it inside the function")


def imported(path: str, text: str) -> Iterator[tuple[int, str]]:
    """Line and absolute name of everything the file imports, at any depth."""
    for node in ast.walk(syntax(text)):
        yield from _targets(node, path)


def _targets(node: ast.AST, path: str) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Import):
        yield from ((node.lineno, alias.name) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        package = list(PurePosixPath(path).parts[1:-1])
        above = package[: len(package) - node.level + 1] if node.level else []
        base = ".".join([*above, *([node.module] if node.module else [])])
        for alias in node.names:
            is_module = room_of(f"{base}.{alias.name}") != room_of(base)
            yield node.lineno, f"{base}.{alias.name}" if is_module else base


def _is_allowed(room: Room, target: str) -> bool:
    top = target.split(".")[0]
    if top in sys.stdlib_module_names:
        return True
    if _within(target, room.name):
        return True
    if room.name == "kvcheck" and top == "kvcheck":
        return True
    return any(_within(target, may) for may in room.may)


def _within(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")

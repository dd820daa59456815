"""What every command shares: its options, and their values from `pyproject.toml [tool.kvproof]`.

It decides which value wins (the command line over the file over the default) and that an unknown
key in the file is an error and not a silence. The resolved values go into the result.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

from kvcheck.cli.faults import Fault, nearest
from kvcheck.cli.quantities import DURATION
from kvcheck.cli.result_file import RESULT_FILE
from kvcheck.verdict import Exit

P = ParamSpec("P")
R = TypeVar("R")


class CacheUse(Enum):
    """Whether results of earlier runs may be used and kept."""

    ON = "on"
    OFF = "off"


class Voice(Enum):
    """How much is said besides results."""

    NORMAL = "normal"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The shared options of one command, resolved."""

    budget_seconds: float | None
    seed: int
    jobs: int
    select: tuple[str, ...]
    json_path: Path | None
    junit_path: Path | None
    ledger_path: Path | None
    cache: CacheUse
    voice: Voice
    runs_dir: Path


_SHARED = (
    click.option("--budget", type=DURATION, help="Stop after this time, as 90s or 2m."),
    click.option("--seed", type=int, default=0, show_default=True, help="For what is random."),
    click.option("--jobs", type=click.IntRange(min=0), default=0, help="Processes; 0: all cores."),
    click.option("--select", multiple=True, metavar="GLOB", help="Only what matches; repeatable."),
    click.option("--json", "json_path", type=RESULT_FILE, help="Write the result."),
    click.option("--junit", "junit_path", type=RESULT_FILE, help="JUnit XML."),
    click.option("--ledger", "ledger_path", type=RESULT_FILE, help="Keep the evidence."),
    click.option("--no-cache", is_flag=True, help="Neither use nor keep results of other runs."),
    click.option("--quiet", is_flag=True, help="No progress on stderr."),
    click.option(
        "--runs",
        "runs_dir",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(".kvproof/runs"),
        show_default=True,
        help="Where run records are written.",
    ),
)


def shared_options(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command the shared options, handed to it as its first argument, `settings`."""

    @functools.wraps(command)
    def wrapped(**given: Any) -> R:  # Any: click hands over each option in its own type
        settings = Settings(
            budget_seconds=given.pop("budget"),
            seed=given.pop("seed"),
            jobs=given.pop("jobs"),
            select=tuple(given.pop("select")),
            json_path=given.pop("json_path"),
            junit_path=given.pop("junit_path"),
            ledger_path=given.pop("ledger_path"),
            cache=CacheUse.OFF if given.pop("no_cache") else CacheUse.ON,
            voice=Voice.QUIET if given.pop("quiet") else Voice.NORMAL,
            runs_dir=given.pop("runs_dir"),
        )
        return command(settings, **given)

    for option in reversed(_SHARED):
        wrapped = option(wrapped)
    return wrapped


def file_defaults(start: Path) -> dict[str, object]:
    """The table `[tool.kvproof]` of the nearest `pyproject.toml` at or above `start`."""
    for folder in (start, *start.parents):
        path = folder / "pyproject.toml"
        if path.is_file():
            return _table(path)
    return {}


def _table(path: Path) -> dict[str, object]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get("kvproof", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Fault(
            f"{path} cannot be read: {error}.",
            cause="It is no valid TOML, or this user may not read it.",
            mend="Mend the file, or run from another directory.",
        ) from error
    if not isinstance(table, dict):
        raise Fault(
            f"{path}: tool.kvproof is {table!r}, not a table.",
            cause="It must hold keys such as budget or jobs.",
            mend='Write [tool.kvproof] and under it, say, budget = "90s".',
        )
    return table


def default_map(table: dict[str, object], group: click.Group) -> dict[str, object]:
    """The table as click's defaults: a key of the main table is for every command that has the
    option and means the shared one by it, a key of a command's own table is for that command.

    Raises:
        Fault: a key names no option, or one by which several commands mean different things.
    """
    commands = {
        name: _option_names(command)
        for name in group.list_commands(click.Context(group))
        if (command := group.get_command(click.Context(group), name)) is not None
    }
    every_option = {name for options in commands.values() for name in options}
    defaults: dict[str, dict[str, object]] = {name: {} for name in commands}
    for key, value in table.items():
        if isinstance(value, dict) and key in commands:
            continue
        if key not in every_option:
            raise _unknown(key, "tool.kvproof", every_option | set(commands))
        shared = _meant(key, commands)
        for name, options in commands.items():
            if options.get(key) == shared:
                defaults[name][shared] = value
    for name, options in commands.items():
        own = table.get(name)
        for key, value in own.items() if isinstance(own, dict) else ():
            if key not in options:
                raise _unknown(key, f"tool.kvproof.{name}", options)
            defaults[name][options[key]] = value
    return dict(defaults)


def _meant(key: str, commands: dict[str, dict[str, str]]) -> str:
    """The parameter that a key of the main table sets: the shared option's, or the only one."""
    shared = _option_names(click.command()(shared_options(_no_command)))
    meant = {options[key] for options in commands.values() if key in options}
    if key in shared:
        return shared[key]
    if len(meant) == 1:
        return meant.pop()
    having = [name for name, options in commands.items() if key in options]
    raise Fault(
        f"pyproject.toml: [tool.kvproof] has the key {key!r}, of which {' and '.join(having)} mean"
        " different things.",
        cause="Only an option that its commands share can stand in the main table.",
        mend=f"Write it under [tool.kvproof.{having[0]}].",
        code=Exit.USAGE,
    )


def _no_command(_: Settings) -> None:
    """Has the shared options and none besides."""


def _option_names(command: click.Command) -> dict[str, str]:
    """The option as it is written in the file, to its parameter's name."""
    return {
        option.removeprefix("--"): parameter.name or ""
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--")
    }


def _unknown(key: str, table: str, known: set[str] | dict[str, str]) -> Fault:
    return Fault(
        f"pyproject.toml: [{table}] has an unknown key {key!r}.",
        cause=f"It is misspelt, or of another version. {nearest(key, known)}",
        mend="Mend or delete the key.",
        code=Exit.USAGE,
    )

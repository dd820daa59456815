"""The tree as it is keeps the rules of the house; `test_rules_bite.py` shows that they can fail."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from rooms import file_is_in_a_room, heavy_packages_wait, imports_keep_to_the_room
from rules import (
    Rule,
    file_is_named_by_a_noun,
    file_is_short,
    functions_are_short,
    module_has_docstring,
    modules_hold_no_state,
    no_file_is_opened,
    process_is_left_alone,
    public_names_are_few,
)

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("spec/", "impl/", "checker/")
PROCESS_OWNERS = (
    "checker/kvcheck/cli.py",
    "checker/kvcheck/cli/",
    "checker/kvcheck/pytest_plugin.py",
)
NOT_OURS = ("build", "dist", "node_modules", "__pycache__")
CODE_SUFFIXES = (".py", ".c", ".h", ".cpp", ".pml", ".js", ".css")

EVERY_PYTHON_FILE: tuple[Rule, ...] = (
    file_is_in_a_room,
    file_is_named_by_a_noun,
    functions_are_short,
    module_has_docstring,
)
EVERY_SOURCE_FILE: tuple[Rule, ...] = (
    heavy_packages_wait,
    imports_keep_to_the_room,
    modules_hold_no_state,
    public_names_are_few,
)


@cache
def files() -> tuple[tuple[str, str], ...]:
    """Path from the root and text of every code file that is ours."""
    return tuple(_files())


def _files() -> Iterator[tuple[str, str]]:
    for folder, subfolders, names in os.walk(ROOT):
        subfolders[:] = sorted(s for s in subfolders if s not in NOT_OURS and s[0] != ".")
        for path in (Path(folder) / name for name in sorted(names)):
            if path.suffix in CODE_SUFFIXES:
                yield path.relative_to(ROOT).as_posix(), path.read_text()


def breaches_of(rule: Rule, prefixes: tuple[str, ...], suffix: str = ".py") -> list[str]:
    chosen = [(p, t) for p, t in files() if p.endswith(suffix) and p.startswith(prefixes)]
    assert chosen, "nothing to check: the tree was not found"
    return [str(breach) for path, text in chosen for breach in rule(path, text)]


@pytest.mark.parametrize("rule", EVERY_PYTHON_FILE, ids=lambda rule: rule.__name__)
def test_every_python_file_keeps(rule: Rule) -> None:
    assert breaches_of(rule, ("",)) == []


@pytest.mark.parametrize("rule", EVERY_SOURCE_FILE, ids=lambda rule: rule.__name__)
def test_every_source_file_keeps(rule: Rule) -> None:
    assert breaches_of(rule, SOURCES) == []


@pytest.mark.parametrize("suffix", CODE_SUFFIXES)
def test_no_file_is_long(suffix: str) -> None:
    long = [str(b) for p, t in files() if p.endswith(suffix) for b in file_is_short(p, t)]
    assert long == []


def test_only_the_command_line_and_the_plugin_touch_the_process() -> None:
    found = [
        str(breach)
        for path, text in files()
        if path.endswith(".py") and path.startswith(SOURCES) and not path.startswith(PROCESS_OWNERS)
        for breach in process_is_left_alone(path, text)
    ]
    assert found == []


def test_the_spec_opens_no_file() -> None:
    assert breaches_of(no_file_is_opened, ("spec/",)) == []


def test_test_files_have_names_of_their_own() -> None:
    """Two test modules of one name in two folders shadow each other under pytest."""
    names = [Path(path).name for path, _ in files() if Path(path).name.startswith("test_")]
    assert sorted(names) == sorted(set(names))

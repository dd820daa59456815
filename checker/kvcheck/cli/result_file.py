"""A file that a command writes at its end, looked at before it begins.

It decides whether the path could be written now, so that hours of work do not end at a directory
of that name. It creates nothing, and what fails later is told when it does (`trace.atomic`).
"""

from __future__ import annotations

import os
from pathlib import Path

import click

from kvcheck.cli.faults import Fault


class ResultFile(click.ParamType[Path]):
    """The path of a file to be; folders above it that are not there are made when it is written."""

    name = "path"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Path:
        """The path. Raises: Fault."""
        path = Path(str(value))
        option = param.opts[0] if param and param.opts else "the file"
        folder = _first_there(path.parent)
        if os.path.isdir(path):
            raise _no_file(option, path, f"{path} is a directory.")
        if not os.path.isdir(folder):
            raise _no_file(option, path, f"{folder} is a file, and no file can be in it.")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise _no_file(option, path, f"{folder} does not let this user write.")
        return path


RESULT_FILE = ResultFile()


def _first_there(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    above = (folder, *folder.parents)
    return next((one for one in above if os.path.lexists(one)), folder)


def _no_file(option: str, path: Path, why: str) -> Fault:
    return Fault(
        f"{path} cannot be written ({option}), and nothing was run.",
        cause=why,
        mend=f"Name a file with {option}, in a directory of yours.",
    )

"""The command line: the one place that prints, exits and reads the environment.

It decides how results are asked for and shown, never what they are. Heavy packages and engines are
imported inside the commands, so that `kvproof --help` answers at once.
"""

from __future__ import annotations

from kvcheck.cli.entry import main

__all__ = ["main"]

"""What the command line tests share: toy designs in place of the shipped ones, an empty folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import toy_designs
from command_lines import Kvproof, Ran


@pytest.fixture
def kvproof(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Kvproof:
    """Run the command line in an empty folder, on the toy designs, with an empty cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("kvspec.models.MACHINES", toy_designs.MACHINES)
    monkeypatch.setattr("kvspec.models.SEARCHED", {})
    monkeypatch.setattr("kvspec.bugs.BUGS", toy_designs.BUGS)
    monkeypatch.setattr("kvimpl.bugs.BUGS", {})
    monkeypatch.setattr("kvimpl.bugs.staging.STAGING_BUGS", {})

    def run(*arguments: str) -> Ran:
        from kvcheck.cli.entry import run

        code = run(arguments)
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run

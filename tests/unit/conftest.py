"""What tests share: toy designs in place of the shipped ones in an empty folder; a fake driver."""

from __future__ import annotations

from pathlib import Path

import pytest
import toy_designs
from command_lines import Kvproof, Ran

from kvimpl.device.fake import CompilerMissing, build


@pytest.fixture
def kvproof(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Kvproof:
    """Run the command line in an empty folder, on the toy designs, with an empty cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("kvspec.models.MACHINES", toy_designs.MACHINES)
    monkeypatch.setattr("kvspec.models.VARIANTS", {})
    monkeypatch.setattr("kvspec.bugs.BUGS", toy_designs.BUGS)
    monkeypatch.setattr("kvimpl.bugs.BUGS", {})
    monkeypatch.setattr("kvimpl.bugs.staging.STAGING_BUGS", {})

    def run(*arguments: str) -> Ran:
        from kvcheck.cli.entry import run

        code = run(arguments)
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fake driver, built once; each program on it has a process of its own."""
    try:
        return build(tmp_path_factory.mktemp("fake"))
    except CompilerMissing as missing:
        pytest.skip(f"NOT TESTED: all that runs on the fake driver: {missing}")

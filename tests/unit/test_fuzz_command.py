"""`kvproof fuzz` as a process: exit codes, a polite kill in mid-run, two of them on one corpus."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command_lines import Kvproof

from kvcheck.cli.faults import Fault
from kvcheck.fuzz.corpus import Corpus
from kvcheck.fuzz.runner import managers
from kvcheck.verdict import Exit

TELLS_EACH_RUN = """
from kvcheck.cli import progress
progress.JSON_EVERY_SECONDS = 0.0
from kvcheck.cli.entry import main
main()
"""
WATCHDOG_SECONDS = 120


def started(*arguments: str, folder: Path) -> subprocess.Popen[str]:
    """A real `kvproof fuzz`, which tells its progress after every run."""
    return subprocess.Popen(
        [sys.executable, "-c", TELLS_EACH_RUN, "fuzz", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def sentences(fault: Fault) -> int:
    return str(fault).count(". ") + str(fault).endswith(".")


def test_a_bug_exits_1_and_its_file_is_named(kvproof: Kvproof, tmp_path: Path) -> None:
    ran = kvproof("fuzz", "--manager", "canary", "--runs", "5", "--quiet", "--json", "r.json")
    assert ran.code == Exit.VIOLATION
    assert "canary: violated, 1 class of failure" in ran.out
    (path,) = (tmp_path / ".kvproof/corpus").glob("*.json")
    assert f"Again: kvproof replay {path.relative_to(tmp_path)}" in ran.out
    result = json.loads((tmp_path / "r.json").read_text())
    assert result["exit"]["code"] == Exit.VIOLATION


def test_a_cuda_campaign_without_a_gpu_is_refused_and_nothing_is_run(
    kvproof: Kvproof, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kvcheck.cli.fuzz_command import no_cuda
    from kvimpl.device.cuda import NoCudaDevice

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    ran = kvproof("fuzz", "--device", "cuda", "--runs", "5")
    assert ran.code == Exit.ENVIRONMENT_ABSENT
    assert "nothing was run" in ran.err
    absent = NoCudaDevice("There is no device 0 (no lib. Search it.). It has none. Use another.")
    assert sentences(no_cuda(absent)) == 3
    assert " There is no device 0. Run with" in str(no_cuda(absent))
    assert ran.out == ""
    assert not (tmp_path / ".kvproof").exists()


def test_an_unknown_manager_exits_4_and_names_the_nearest(kvproof: Kvproof) -> None:
    assert "s1-1" in managers(), "bound before the toys take the registry's place"
    ran = kvproof("fuzz", "--manager", "s1-11", "--runs", "5")
    assert ran.code == Exit.USAGE
    assert "There is no manager 's1-11' to fuzz. Did you mean s1-1?" in ran.err
    assert ran.out == ""


@pytest.mark.parametrize("cut", [0, 100])
def test_a_damaged_corpus_file_is_left_and_the_finding_stands_beside_it(
    kvproof: Kvproof, tmp_path: Path, cut: int
) -> None:
    arguments = ("fuzz", "--manager", "canary", "--runs", "5", "--quiet", "--corpus", "kept")
    kvproof(*arguments)
    (path,) = (tmp_path / "kept").glob("*.json")
    damaged = path.read_bytes()[:cut]
    path.write_bytes(damaged)

    ran = kvproof(*arguments)

    assert ran.code == Exit.VIOLATION
    assert "is damaged" in ran.out
    assert path.read_bytes() == damaged
    entries = Corpus(tmp_path / "kept").entries()
    assert [bad for bad, _ in entries.bad] == [path]
    assert {kept.entry.case.manager for kept in entries.good} == {"canary"}


def test_a_corpus_that_is_a_file_exits_4_and_the_file_stays(
    kvproof: Kvproof, tmp_path: Path
) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "inner").write_text("a file")
    ran = kvproof("fuzz", "--manager", "canary", "--runs", "5", "--quiet", "--corpus", "kept/inner")
    assert ran.code == Exit.USAGE
    assert (tmp_path / "kept" / "inner").read_text() == "a file"


def test_a_polite_kill_in_mid_run_keeps_the_findings_and_exits_2(tmp_path: Path) -> None:
    process = started("--manager", "s1-1", "--budget", "10m", folder=tmp_path)
    assert process.stderr is not None
    for line in process.stderr:
        if json.loads(line)["findings"]:
            break
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=WATCHDOG_SECONDS)

    assert process.returncode == Exit.INTERRUPTED
    assert "s1-1: interrupted, partial result, " in out
    assert "partial result, no failure" not in out
    entries = Corpus(tmp_path / ".kvproof/corpus").entries()
    assert entries.bad == ()
    assert entries.good
    for kept in entries.good:
        assert kept.entry.case.manager == "s1-1"
        assert f"kvproof replay .kvproof/corpus/{kept.path.name}" in out


def test_two_fuzzers_on_one_corpus_lose_nothing(tmp_path: Path) -> None:
    managers = {"1": "s1-1", "2": "s1-1", "3": "canary"}
    shared = ("--runs", "40", "--quiet", "--corpus", str(tmp_path / "kept"))
    processes = [
        started(
            "--manager", name, "--seed", seed, "--json", f"{seed}.json", *shared, folder=tmp_path
        )
        for seed, name in managers.items()
    ]
    for process in processes:
        process.communicate(timeout=WATCHDOG_SECONDS)
        assert process.returncode == Exit.VIOLATION

    entries = Corpus(tmp_path / "kept").entries()
    there = {(k.entry.case.manager, *k.entry.failure.key) for k in entries.good}
    assert entries.bad == ()
    assert there == {
        (search["manager"], found["kind"], found["detail"])
        for seed in managers
        for search in json.loads((tmp_path / f"{seed}.json").read_text())["searches"]
        for found in search["findings"]
    }

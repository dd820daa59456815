"""How the command line speaks: progress, tables, files, and how soon it answers."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from command_lines import Kvproof

from kvcheck.cli.accounts import Accounts, is_enough
from kvcheck.cli.progress import Ticker
from kvcheck.cli.quantities import DURATION, MEMORY, render_seconds
from kvcheck.cli.settings import Voice
from kvcheck.report.junit import render_junit
from kvcheck.report.verdicts import group, summary, verdict_text
from kvcheck.verdict import Evidence, Exit, ObligationResult, Outcome, Verdict

HOLDS = Verdict(Outcome.HOLDS, Evidence.PROVED, "every size")
BOUNDED = Verdict(Outcome.HOLDS, Evidence.BOUNDED, "P=2, depth 9")
VIOLATED = Verdict(Outcome.VIOLATED, Evidence.NONE, "P=2")
OPEN = Verdict(Outcome.INCONCLUSIVE, Evidence.NONE, "P=2", "the time was up")
NOT_RUN = Verdict(Outcome.NOT_RUN, Evidence.NONE, "", "no compiler")


def result(name: str, verdict: Verdict, **more: bool) -> ObligationResult:
    """An obligation of the pool, by its last two parts."""
    return ObligationResult(f"pool/induction/{name}", verdict, 0.5, **more)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def test_a_pipe_gets_a_json_line_every_ten_seconds_and_no_more() -> None:
    clock, stream = Clock(), io.StringIO()
    ticker = Ticker(Voice.NORMAL, clock=clock, stream=stream, is_terminal=False)
    for second in range(25):
        clock.time = second
        ticker.tell({"states": second, "depth": 2})
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert lines == [{"states": 10, "depth": 2}, {"states": 20, "depth": 2}]


def test_a_terminal_gets_one_line_that_is_rewritten_and_wiped() -> None:
    clock, stream = Clock(), io.StringIO()
    ticker = Ticker(Voice.NORMAL, clock=clock, stream=stream, is_terminal=True)
    for tenth in range(1, 4):
        clock.time = tenth
        ticker.tell({"states": 1000 * tenth})
    ticker.done()
    said = stream.getvalue()
    assert "\n" not in said
    assert said.count("\r\x1b[K") == 4
    assert "3,000 states" in said


def test_quiet_means_no_progress() -> None:
    clock, stream = Clock(), io.StringIO()
    ticker = Ticker(Voice.QUIET, clock=clock, stream=stream, is_terminal=True)
    clock.time = 100
    ticker.tell({"states": 1})
    assert stream.getvalue() == ""


def test_nothing_heavy_is_imported_before_a_command_runs() -> None:
    heavy = ("z3", "rich", "jinja2", "msgspec", "kvspec", "kvcheck.explore", "kvcheck.solve")
    code = f"import sys, kvcheck.cli; print([m for m in {heavy!r} if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_help_lists_every_command_without_importing_one(kvproof: Kvproof) -> None:
    from kvcheck.cli.entry import COMMANDS

    ran = kvproof("--help")
    assert ran.code == Exit.OK
    for name in COMMANDS:
        assert f"  {name} " in ran.out
        assert kvproof(name, "--help").code == Exit.OK


def test_amounts_are_read_as_they_are_written() -> None:
    assert DURATION.convert("2m", None, None) == 120
    assert DURATION.convert("500ms", None, None) == 0.5
    assert MEMORY.convert("8GiB", None, None) == 8 * 2**30
    assert MEMORY.convert("1k", None, None) == 1024
    assert render_seconds(125) == "2 m 05 s"


@pytest.mark.parametrize(
    ("results", "code"),
    [
        ([HOLDS, HOLDS], Exit.OK),
        ([HOLDS, OPEN], Exit.INCONCLUSIVE),
        ([HOLDS, NOT_RUN], Exit.INCONCLUSIVE),
        ([HOLDS, BOUNDED], Exit.INCONCLUSIVE),
        ([OPEN, VIOLATED], Exit.VIOLATION),
        ([NOT_RUN], Exit.NOTHING_RAN),
        ([], Exit.NOTHING_RAN),
    ],
)
def test_the_exit_code_follows_from_the_worst_result(results: list[Verdict], code: Exit) -> None:
    accounts = Accounts()
    accounts.add([result(f"a/{n}", v) for n, v in enumerate(results)], Evidence.PROVED_AT_SIZE)
    assert accounts.exit() is code


def test_a_counterexample_to_induction_is_no_violation() -> None:
    accounts = Accounts()
    accounts.add([result("a/p", VIOLATED, counterexample_to_induction=True)], Evidence.PROVED)
    assert accounts.exit() is Exit.INCONCLUSIVE


def test_an_expected_obligation_without_an_answer_is_never_a_pass() -> None:
    accounts = Accounts()
    accounts.add([result("a/p", HOLDS)], Evidence.PROVED)
    accounts.expected.append("pool/induction/a/q")
    assert accounts.unaccounted() == ("pool/induction/a/q",)
    assert accounts.exit() is Exit.INCONCLUSIVE


def test_evidence_is_enough_if_it_is_as_strong_as_required() -> None:
    assert is_enough(HOLDS, Evidence.EXHAUSTED)
    assert not is_enough(BOUNDED, Evidence.EXHAUSTED)


def test_a_group_is_as_weak_as_its_weakest_obligation() -> None:
    results = [result("a/p", HOLDS), result("b/p", BOUNDED), result("b/a check", OPEN)]
    first, second = group(results, ["p"])
    assert (first.subject, first.count, verdict_text(first.verdict)) == (
        "p",
        2,
        "holds: bounded, P=2, depth 9",
    )
    assert second.subject == "checks inside b"
    assert verdict_text(second.verdict) == "inconclusive: the time was up"
    assert summary(results) == "3 obligations: 1 inconclusive, 2 hold"


def test_junit_calls_nothing_open_a_pass() -> None:
    verdicts = {"h": HOLDS, "v": VIOLATED, "o": OPEN, "n": NOT_RUN}
    results = [result(f"a/{name}", verdict) for name, verdict in verdicts.items()]
    root = ET.fromstring(render_junit(results, suite="prove"))
    assert {k: root.get(k) for k in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
    }
    assert [case[0].tag for case in root] == ["system-out", "failure", "error", "skipped"]


def test_the_result_file_accounts_for_what_was_expected(kvproof: Kvproof, tmp_path: Path) -> None:
    kvproof("explore", "cups", "--engine", "python", "--json", "r.json", "--junit", "r.xml")
    told = json.loads((tmp_path / "r.json").read_text())
    assert told["schema"] == "kvproof.result/1"
    assert told["accounted"] == {"holds": 4, "violated": 0, "inconclusive": 0, "not run": 0}
    assert told["expected"] == 4
    assert told["options"]["engine"] == "python"
    assert told["searches"][0]["states"] > 0
    assert ET.parse(tmp_path / "r.xml").getroot().get("tests") == "4"


def test_a_result_that_cannot_be_written_is_no_success(kvproof: Kvproof, tmp_path: Path) -> None:
    ran = kvproof("explore", "cups", "--engine", "python", "--json", "r" * 300)
    assert ran.code == Exit.TOOL_FAULT
    assert "was not written" in ran.err


@pytest.mark.parametrize("path", [".", "file/r.json", "file/folder/r.json"])
@pytest.mark.parametrize("option", ["--json", "--junit", "--ledger"])
def test_a_result_that_could_not_be_written_is_told_before_anything_runs(
    kvproof: Kvproof, tmp_path: Path, option: str, path: str
) -> None:
    (tmp_path / "file").write_text("")
    ran = kvproof("explore", "cups", "--engine", "python", option, path)
    assert (ran.code, ran.out) == (Exit.USAGE, "")
    assert f"{path} cannot be written ({option}), and nothing was run." in ran.err


def test_coverage_counts_each_guard_conjunct(kvproof: Kvproof) -> None:
    ran = kvproof("explore", "cups", "--engine", "python", "--coverage", "--no-symmetry")
    row = next(line for line in ran.out.splitlines() if "there is room" in line)
    assert row.split()[0] == "fill"
    assert "true" in ran.out


def test_the_list_names_machines_and_bugs_with_their_sizes(kvproof: Kvproof) -> None:
    ran = kvproof("list")
    assert ran.code == Exit.OK
    assert any(line.split()[:3] == ["cups", "machine", "C=2,"] for line in ran.out.splitlines())
    assert "t1-overfull" in ran.out


def test_the_doctor_says_one_line_for_each_thing_it_looked_at(kvproof: Kvproof) -> None:
    from kvcheck.cli.doctor_command import LOOKS

    ran = kvproof("doctor")
    assert ran.code == Exit.OK
    assert len(ran.out.splitlines()) == len(LOOKS) + 2


def test_without_nvrtc_and_a_cxx_compiler_the_doctor_says_what_is_lost(
    kvproof: Kvproof, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(package: str) -> str:
        raise PackageNotFoundError(package)

    monkeypatch.setattr("kvcheck.cli.doctor_command.version", absent)
    monkeypatch.setattr("shutil.which", lambda name: None)

    ran = kvproof("doctor", "--select", "nvrtc", "--select", "c++")

    assert ran.code == 0
    assert "kernels are not compiled for GPUs" in ran.out
    assert "pip install cuda-bindings nvidia-cuda-nvrtc" in ran.out
    assert "kernels are not run on the CPU" in ran.out


def test_without_a_compiler_the_doctor_says_what_is_lost(
    kvproof: Kvproof, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)
    ran = kvproof("doctor", "--select", "compiler")
    assert ran.code == Exit.OK
    assert "searches run in Python" in ran.out


def test_what_holds_less_firmly_than_asked_is_named() -> None:
    accounts = Accounts()
    accounts.add([result("a/p", BOUNDED), result("a/q", HOLDS)], Evidence.PROVED)
    assert accounts.too_weak() == ("pool/induction/a/p",)

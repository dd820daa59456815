"""`prove`, `bugs` and `export` on designs whose proofs are known beforehand."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from command_lines import Kvproof

from kvcheck.verdict import Evidence, Exit, ObligationResult, Outcome, Verdict


def test_a_design_is_proved_for_every_size(kvproof: Kvproof) -> None:
    ran = kvproof("prove", "cups", "--jobs", "1")
    assert ran.code == Exit.OK
    assert "cups: holds: proved, every size; 5 obligations" in ran.out
    assert "vacuity checks passed" in ran.out


def test_what_only_a_small_size_makes_trivial_is_not_called_hollow(kvproof: Kvproof) -> None:
    ran = kvproof("prove", "one-at-a-time", "--jobs", "1")
    assert ran.code == Exit.OK
    assert "says nothing" not in ran.out


def test_an_invariant_that_the_types_imply_leaves_its_proof_open(kvproof: Kvproof) -> None:
    ran = kvproof("prove", "hollow", "--jobs", "1")
    assert ran.code == Exit.INCONCLUSIVE
    assert "within_the_range: every well-typed state satisfies it" in " ".join(ran.out.split())


def test_a_second_proof_comes_from_the_cache(kvproof: Kvproof) -> None:
    kvproof("prove", "cups", "--jobs", "1")
    assert "answers from the cache" in kvproof("prove", "cups", "--jobs", "1").out
    assert "from the cache" not in kvproof("prove", "cups", "--jobs", "1", "--no-cache").out


def test_a_false_invariant_is_told_as_a_run_and_not_only_as_a_failed_proof(
    kvproof: Kvproof, tmp_path: Path
) -> None:
    ran = kvproof("prove", "forgetful", "--jobs", "1", "--json", "result.json")
    assert ran.code == Exit.VIOLATION
    assert "forgetful breaks TOY-1 full_means_used in 1 step." in ran.out
    result = json.loads((tmp_path / "result.json").read_text())
    violated = [o for o in result["obligations"] if o["outcome"] == "violated"]
    assert [o["counterexample_to_induction"] for o in violated] == [False]
    assert [o["id"] for o in violated] == ["forgetful/induction/fill/full_means_used"]
    assert result["expected"] == len(result["obligations"]) == 9
    assert result["unaccounted"] == []


def test_a_counterexample_to_induction_alone_is_inconclusive(kvproof: Kvproof) -> None:
    ran = kvproof("prove", "forgetful", "--at-size", "--jobs", "1")
    assert ran.code == Exit.INCONCLUSIVE
    assert "not inductive" in ran.out
    assert "may be unreachable" in ran.out


def test_no_time_is_inconclusive_and_every_missing_answer_is_counted(kvproof: Kvproof) -> None:
    ran = kvproof("prove", "--budget", "1ms", "--jobs", "1")
    assert ran.code in (Exit.INCONCLUSIVE, Exit.NOTHING_RAN)
    assert "expected and never answered" in ran.out


def test_bounded_checking_names_its_depth(kvproof: Kvproof) -> None:
    ran = kvproof("prove", "cups", "--bounded", "3")
    assert ran.code == Exit.OK
    assert "holds: bounded, C=2, N=2, depth 3" in ran.out


def test_bounded_checking_finds_the_shortest_run(kvproof: Kvproof) -> None:
    ran = kvproof("prove", "overfull", "--bounded", "5")
    assert ran.code == Exit.VIOLATION
    assert "overfull fails in 3 steps, inside fill" in ran.out


def test_k_induction_names_its_k(kvproof: Kvproof) -> None:
    ran = kvproof("prove", "cups", "--k-induction", "2")
    assert ran.code == Exit.OK
    assert "proved at size, C=2, N=2, k 1" in ran.out


def test_what_one_step_cannot_prove_several_can(kvproof: Kvproof) -> None:
    ran = kvproof("prove", "blinking", "--jobs", "1")
    assert ran.code == Exit.OK
    assert "blinking: holds: proved at size, N=1" in ran.out


def test_without_abc_k_induction_proves_what_one_step_cannot(
    kvproof: Kvproof, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kvcheck.solve.pdr.PROGRAMS", ())
    ran = kvproof("prove", "blinking", "--jobs", "1")
    assert ran.code == Exit.OK
    assert "proved at size, N=1, k 2" in ran.out


def test_pdr_needs_no_lemma_and_names_its_invariant(kvproof: Kvproof) -> None:
    if not shutil.which("berkeley-abc"):
        pytest.skip("ABC is not installed: apt-get install berkeley-abc")
    ran = kvproof("prove", "blinking", "--pdr")
    assert ran.code == Exit.OK
    assert "blinking: holds: proved at size, N=1; 2 obligations" in ran.out
    assert "PDR's invariant" in ran.out


def test_pdr_without_abc_is_an_absent_environment(
    kvproof: Kvproof, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)
    ran = kvproof("prove", "cups", "--pdr")
    assert ran.code == Exit.ENVIRONMENT_ABSENT
    assert "apt-get install berkeley-abc" in ran.err


def test_a_proof_that_a_run_contradicts_is_a_fault_of_the_tool(
    kvproof: Kvproof, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kvcheck.cli import proving

    real = proving.stronger

    def credulous(old: ObligationResult | None, new: ObligationResult) -> ObligationResult:
        if new.id.endswith("fill/full_means_used"):
            verdict = Verdict(Outcome.HOLDS, Evidence.PROVED, "every size")
            return replace(new, verdict=verdict)
        return real(old, new)

    monkeypatch.setattr(proving, "stronger", credulous)
    ran = kvproof("prove", "forgetful", "--jobs", "1")
    assert ran.code == Exit.TOOL_FAULT
    assert "proved, and broken by a run" in ran.err


def test_a_selection_that_no_machine_has_exits_5(kvproof: Kvproof) -> None:
    ran = kvproof("prove", "cups", "--select", "KV-INV-99", "--jobs", "1")
    assert ran.code == Exit.NOTHING_RAN


def test_a_selection_keeps_only_what_it_names(kvproof: Kvproof, tmp_path: Path) -> None:
    ran = kvproof("prove", "cups", "--select", "TOY-1", "--jobs", "1", "--json", "r.json")
    assert ran.code == Exit.OK
    subjects = {
        o["id"].split("/")[-1] for o in json.loads(Path("r.json").read_text())["obligations"]
    }
    assert subjects == {"full_means_used"}


def test_the_kill_matrix_meets_its_claims(kvproof: Kvproof) -> None:
    ran = kvproof("bugs", "--select", "T1", "--jobs", "1")
    assert ran.code == Exit.OK
    rows = {line.split()[1]: line for line in ran.out.splitlines() if line.startswith("T1")}
    assert rows["t1-overfull"].count("killed") == 3
    assert "killed, 2 steps" in rows["t1-overfull"]
    assert "3 of 3 claims met" in ran.out


def test_hunts_in_several_processes_give_the_matrix_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from kvcheck.cli.entry import run

    monkeypatch.chdir(tmp_path)
    matrix = {}
    for jobs in ("1", "2"):
        hunt = ("bugs", "--select", "S1.3", "--engine", "explicit", "--jobs", jobs, "--quiet")
        assert run(hunt) == Exit.OK
        out = capsys.readouterr().out
        matrix[jobs] = [line for line in out.splitlines() if line.startswith("S1.3")]
    assert matrix["1"] == matrix["2"]
    assert len(matrix["1"]) >= 4


def test_a_bug_is_selected_by_its_id_too(kvproof: Kvproof) -> None:
    ran = kvproof("bugs", "--select", "t1-forgetful", "--engine", "explicit", "--jobs", "1")
    assert ran.code == Exit.OK
    assert "t1-overfull" not in ran.out


def test_the_exported_module_is_written_whole(kvproof: Kvproof, tmp_path: Path) -> None:
    ran = kvproof("export", "cups", "--tla", "tla")
    assert ran.code == Exit.OK
    assert (tmp_path / "tla" / "Cups.tla").read_text().rstrip().endswith("====")
    assert "SPECIFICATION" in (tmp_path / "tla" / "Cups.cfg").read_text()


@pytest.mark.parametrize("name", ["run.html", "run.md"])
def test_an_explanation_is_written_as_a_page_or_as_markdown(
    kvproof: Kvproof, tmp_path: Path, name: str
) -> None:
    option = "--html" if name.endswith("html") else "--markdown"
    ran = kvproof("explain", "t1-overfull", option, name)
    assert ran.code == Exit.OK
    assert "t1-overfull fails in 2 steps" in (tmp_path / name).read_text()


def test_a_kept_record_is_explained_without_the_design(
    kvproof: Kvproof, monkeypatch: pytest.MonkeyPatch
) -> None:
    kvproof("explore", "overfull", "--engine", "python")
    monkeypatch.setattr("kvspec.models.MACHINES", {})
    ran = kvproof("explain", ".kvproof/runs/overfull-fill.json")
    assert ran.code == Exit.OK
    assert "overfull fails in 3 steps, inside fill" in ran.out

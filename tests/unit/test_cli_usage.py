"""Wrong words meet the nearest right one, in three sentences, on stderr and with exit code 4."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
from command_lines import Kvproof

from kvcheck.cli.entry import group, run
from kvcheck.cli.faults import Fault
from kvcheck.cli.settings import default_map
from kvcheck.verdict import Exit

WRONG = {
    "command": (("exlore", "cups"), "Did you mean explore?"),
    "machine": (("explore", "cupps"), "Did you mean cups?"),
    "bug": (("explain", "t1-overful"), "Did you mean t1-overfull?"),
    "size": (("explore", "cups", "--size", "CC=2"), "Did you mean C?"),
    "option": (("explore", "cups", "--sttates", "3"), "Did you mean --states?"),
    "size's form": (("explore", "cups", "--size", "C"), "write a name and a number, as P=2"),
    "negative size": (("explore", "cups", "--size", "C=-1"), "is negative"),
    "duration": (("explore", "cups", "--budget", "soon"), "write 90s, 2m or 1h"),
    "memory": (("explore", "cups", "--memory", "much"), "write 8GiB or 512MiB"),
    "engine": (("explore", "cups", "--engine", "steam"), "steam"),
    "nothing": (("explore",), "MACHINE"),
    "both reaches": (("prove", "cups", "--every-size", "--at-size"), "exclude each other"),
    "no record": (("explain", "none.json"), "cannot be read"),
    "size nowhere": (("prove", "--size", "X=1"), "none of these machines has no size 'X'"),
}


@pytest.mark.parametrize("case", sorted(WRONG))
def test_a_wrong_word_is_answered_with_its_mend(kvproof: Kvproof, case: str) -> None:
    arguments, said = WRONG[case]
    ran = kvproof(*arguments)
    assert ran.code == Exit.USAGE
    assert ran.out == ""
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("explore", "pins", "--size", "P=100000"),
        ("refine", "pins", "--size", "P=1000"),
        ("live", "remote", "--size", "R=5000"),
        ("prove", "pins", "--at-size", "--size", "P=1000"),
        ("prove", "pins", "--bounded", "2", "--size", "P=1000"),
    ],
    ids=["explore", "refine", "live", "at size", "bounded"],
)
def test_a_size_that_no_search_ends_at_is_refused_before_it_begins(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    code = run([*arguments, "--budget", "1s"])
    said = capsys.readouterr()
    assert (code, said.out) == (Exit.USAGE, "")
    assert "steps to try in each state, and 1,000 are the most" in said.err
    assert "Give a smaller --size" in said.err


def test_a_fault_comes_back_from_another_process_as_it_was() -> None:
    fault = Fault("It broke.", cause="Rust.", mend="Oil it.", code=Exit.TOOL_FAULT)
    back = pickle.loads(pickle.dumps(fault))
    assert (str(back), back.code) == ("It broke. Rust. Oil it.", Exit.TOOL_FAULT)


def test_a_size_that_a_design_refuses_is_a_usage_error(kvproof: Kvproof) -> None:
    ran = kvproof("explore", "cups", "--size", "C=0")
    assert ran.code == Exit.USAGE
    assert "cups" in ran.err


def test_a_corrupt_record_is_an_error_and_no_story(kvproof: Kvproof, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"schema": "kvproof.run/1"')
    ran = kvproof("explain", "run.json")
    assert ran.code == Exit.USAGE
    assert "is damaged" in ran.err


def test_a_bug_is_also_named_by_its_row_if_there_is_one_only(
    kvproof: Kvproof, monkeypatch: pytest.MonkeyPatch
) -> None:
    import toy_designs

    ran = kvproof("explore", "T1", "--engine", "python")
    assert ran.code == Exit.USAGE
    assert "several bugs: t1-overfull, t1-forgetful" in ran.err
    only = {"t1-overfull": toy_designs.BUGS["t1-overfull"]}
    monkeypatch.setattr("kvspec.bugs.BUGS", only)
    assert kvproof("explore", "t1", "--engine", "python").code == Exit.VIOLATION


def test_the_configuration_file_sets_defaults_and_the_command_line_wins(
    kvproof: Kvproof, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.kvproof.explore]\ndepth = 1\n")
    ran = kvproof("explore", "cups", "--engine", "python", "--json", "one.json")
    assert ran.code == Exit.INCONCLUSIVE
    assert '"depth": 1' in (tmp_path / "one.json").read_text()
    assert kvproof("explore", "cups", "--engine", "python", "--depth", "99").code == Exit.OK


def test_a_key_that_several_commands_share_stands_in_the_main_table(
    kvproof: Kvproof, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.kvproof]\nruns = "elsewhere"\nquiet = true\n')
    kvproof("explore", "overfull", "--engine", "python")
    assert (tmp_path / "elsewhere" / "overfull-fill.json").is_file()


@pytest.mark.parametrize("runs", [".kvproof/runs", "3"])
def test_a_folder_in_the_main_table_counts_no_runs(runs: str) -> None:
    """Most commands write run records to `--runs`; for fuzz and linear it is how many runs."""
    defaults = default_map({"runs": runs, "seed": 7, "fuzz": {"runs": 5}}, group)

    assert defaults["explore"] == {"runs_dir": runs, "seed": 7}
    assert defaults["fuzz"] == {"runs_max": 5, "seed": 7}
    assert defaults["linear"] == {"seed": 7}


@pytest.mark.parametrize(("command", "most"), [("fuzz", None), ("linear", 1000)])
@pytest.mark.parametrize("runs", [".kvproof/runs", "1"])
def test_a_command_counts_its_runs_by_its_own_table(
    kvproof: Kvproof, tmp_path: Path, command: str, most: int | None, runs: str
) -> None:
    def counted(text: str) -> object:
        (tmp_path / "pyproject.toml").write_text(f'[tool.kvproof]\nruns = "{runs}"\n{text}')
        ran = kvproof(command, "--budget", "100ms", "--quiet", "--json", "r.json")
        assert ran.code != Exit.USAGE, ran.err
        return json.loads((tmp_path / "r.json").read_text())["options"]["runs_max"]

    assert counted("") == most
    assert counted(f"[tool.kvproof.{command}]\nruns = 2\n") == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool.kvproof]\nbuget = '9s'\n", "Did you mean budget?"),
        ("[tool.kvproof.explore]\ndeph = 3\n", "Did you mean depth?"),
        ("[tool.kvproof\n", "no valid TOML"),
        ("[tool]\nkvproof = 3\n", "not a table"),
        ("[tool.kvproof]\nbudget = 'soon'\n", "write 90s"),
        ("[tool.kvproof]\nengine = 'python'\n", "explore and bugs mean different things"),
    ],
)
def test_a_wrong_configuration_is_an_error_and_not_a_silence(
    kvproof: Kvproof, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    ran = kvproof("explore", "cups")
    assert ran.code == Exit.USAGE
    assert said in ran.err

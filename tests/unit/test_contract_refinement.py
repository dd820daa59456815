"""The tiered pool's refinement is proved by induction; the command and the page say so."""

from __future__ import annotations

import contextlib
import io
import re
from itertools import count
from pathlib import Path

import msgspec
import pytest

from kvcheck.cli.entry import run
from kvcheck.explore import Engine, Options, explore
from kvcheck.refine import TieredUnderContract, refinement_alone, under_contract
from kvcheck.solve import ProveOptions, SolveOptions, StatedSize, prove
from kvcheck.verdict import Evidence, Exit, Outcome
from kvspec.bugs import BUGS
from kvspec.contract import Contract
from kvspec.lang.ir import PropertyKind
from kvspec.models.tiers import TieredPool

PAGE = Path(__file__).parents[2] / "docs" / "contract.md"
BLOCK = re.compile(r"```(python|text)\n(.*?)```", re.DOTALL)


def proved(model):
    return prove(
        model, StatedSize(SolveOptions(), count().__next__), ProveOptions(jobs=0), clock=lambda: 0.0
    )


def refine(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    "What `kvproof refine` comes to."
    code = run(("refine", *arguments))
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize("sizes", [{"P": 1, "S": 1, "R": 2, "T": 2}, {"P": 2, "S": 1}])
def test_the_refinement_is_inductive_at_a_stated_size(sizes: dict[str, int]) -> None:
    result = proved(TieredUnderContract.instance(**sizes))
    assert result.is_proved
    by_solver = [o for o in result.obligations if "/induction/release/" in o.id]
    assert by_solver
    places = sizes["P"] + sizes["S"]
    for obligation in by_solver:
        assert obligation.verdict.outcome is Outcome.HOLDS
        assert obligation.verdict.evidence is Evidence.PROVED_AT_SIZE
        assert f"Block={places}, COPIES=1, PINS=1, REFS=2" in obligation.verdict.bound
    guards = [o.id for o in result.obligations if "/the contract's " in o.id]
    assert len(guards) >= 20


@pytest.mark.parametrize(
    ("sizes", "states"),
    [({"P": 1, "S": 1, "R": 2, "T": 2}, 412), ({"P": 2, "S": 1, "R": 2}, 100_188)],
)
def test_two_requests_and_two_streams_refine_it_too(sizes: dict[str, int], states: int) -> None:
    result = explore(TieredUnderContract.instance(**sizes), Options(engine=Engine.AUTO))
    assert (result.complete, result.findings, result.states) == (True, (), states)


@pytest.mark.parametrize(
    ("name", "guard"),
    [
        ("inv-27-early-fill", "commit/the contract's fill: no copy uses it"),
        ("inv-20-shared-writer", "reuse/the contract's share: the key is known"),
    ],
)
def test_induction_names_the_guard_that_a_bug_misses(name: str, guard: str) -> None:
    bug = BUGS[name]
    model = under_contract(bug.machine).instance(**{"P": 1, "S": 1, **bug.sizes})
    result = proved(model)
    violated = {o.id for o in result.obligations if o.verdict.outcome is Outcome.VIOLATED}
    assert any(id.endswith(guard) for id in violated), violated


def test_the_contract_takes_no_step_away_from_the_design() -> None:
    options = Options(engine=Engine.PYTHON)
    design = TieredPool.instance(P=1, S=1)
    alone = explore(design, options)
    beside = explore(TieredUnderContract.instance(P=1, S=1), options)
    assert beside.goals_unreached == alone.goals_unreached
    assert beside.actions_never_enabled == alone.actions_never_enabled
    assert beside.depth >= alone.depth


def test_the_contract_is_inductive_at_the_size_that_was_searched() -> None:
    result = proved(Contract.instance())
    assert result.is_proved


def test_alone_the_refinement_keeps_the_lemmas_of_mapping_and_contract() -> None:
    whole = TieredUnderContract.instance(P=1, S=1)
    design = TieredPool.instance(P=1, S=1)
    kept = {p.name for p in refinement_alone(whole, design).properties}
    owed = Contract.instance().of_kind(PropertyKind.INVARIANT, PropertyKind.LEMMA)
    assert {"users_are_holders", "counts_agree"} <= kept
    assert {f"contract_{p.name}" for p in owed} <= kept
    assert "queued_at_its_level" not in kept


def test_the_command_says_how_far_it_looked(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = refine(capsys, "--size", "P=1", "--json", "result.json")
    assert code == Exit.OK
    said = "each step of tiers is a contract step or a stutter: exhausted for P=1, S=1"
    assert out.startswith(said)
    result = msgspec.json.decode(Path("result.json").read_bytes())
    assert result["command"] == ["refine", "tiers"]
    assert {o["evidence"] for o in result["obligations"]} == {"exhausted"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("s1-1", "an assertion of its own fails"),
        ("inv-27-early-fill", "a step is no contract step"),
        ("inv-07-half-swap", "a step is no contract step"),
    ],
)
def test_the_command_shows_the_run_of_a_bug(
    name: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = refine(capsys, name)
    assert code == Exit.VIOLATION
    assert out.startswith(f"{name} does not refine the contract, {said}: violated, ")
    assert "allocate(r=request0)" in out


def test_a_bug_that_the_contract_has_no_word_for_refines_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = refine(capsys, "inv-12-reused-in-host")
    assert code == Exit.OK
    assert "each step of inv-12-reused-in-host is a contract step" in out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("nonsense",), Exit.USAGE, "There is no machine or bug 'nonsense'."),
        (("copies",), Exit.USAGE, "copies has no mapping into the contract."),
        (("tiers", "--size", "X=1"), Exit.USAGE, "tiers has no size 'X'."),
        (("tiers", "--budget", "1ms"), Exit.INCONCLUSIVE, "the time was up"),
    ],
)
def test_what_was_not_searched_never_passes(
    arguments: tuple[str, ...], code: Exit, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    came_to, out, err = refine(capsys, *arguments)
    assert came_to == code
    assert said in out + err


def test_the_page_runs_from_top_to_bottom_and_prints_what_it_says() -> None:
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert sum(kind == "text" for kind, _ in blocks) == 4
    names: dict[str, object] = {}
    printed = ""
    for kind, text in blocks:
        if kind == "text":
            assert printed.strip() == text.strip()
            printed = ""
            continue
        assert not printed, "what a snippet prints is shown before the next one"
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(text, str(PAGE), "exec"), names)
        printed = out.getvalue()
    assert not printed


def test_the_page_has_each_sentence_and_each_action_of_the_contract() -> None:
    page = PAGE.read_text(encoding="utf-8")
    contract = Contract.instance()
    for prop in contract.of_kind(PropertyKind.INVARIANT):
        assert prop.sentence in page, prop.name
    for action in contract.actions:
        assert f"`{action.name}`" in page, action.name


def test_the_page_counts_the_bugs_as_they_are() -> None:
    verdicts = []
    for bug in BUGS.values():
        if bug.design != "tiers":
            continue
        sizes = {"P": 1, "S": 1, **bug.sizes}
        whole = under_contract(bug.machine).instance(**sizes)
        result = explore(refinement_alone(whole, TieredPool.instance(**sizes)), Options())
        verdicts.append((bug.id, bool(result.findings)))
        assert result.findings or result.complete
    refining = [id for id, is_broken in verdicts if not is_broken]
    assert (len(verdicts), refining) == (11, ["inv-12-reused-in-host"])

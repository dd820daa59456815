"""The staging page is one program that runs and prints what it shows, and its table is measured."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kvcheck.cli.entry import run
from kvcheck.explore import Engine, Options, explore
from kvcheck.explore.options import Symmetry
from kvcheck.fuzz.staging import RIGHT, drawn, every_order
from kvcheck.fuzz.staging_columns import Order, bug_rows, measure_order
from kvcheck.fuzz.staging_lockstep import design_of, every_step
from kvcheck.lockstep.staged import StagedDesign
from kvcheck.schedule import Budget, Reach
from kvcheck.verdict import Exit
from kvimpl.bugs.staging import NOT_STAGED
from kvspec.models.staging_v2 import GatheredRows

TEXT = (Path(__file__).parents[2] / "docs" / "staging.md").read_text(encoding="utf-8")


def without_numbers(text: str) -> list[str]:
    "The lines, less the numbers of the source's lines."
    return [re.sub(r"\.py:\d+:", ".py:", line).rstrip() for line in text.strip().splitlines()]


def test_the_page_runs_and_prints_what_it_shows(capsys: pytest.CaptureFixture[str]) -> None:
    programs = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    shown = re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL)
    names: dict[str, object] = {"__name__": "staging_page"}

    assert len(programs) == 2
    for program, printed in zip(programs, shown, strict=True):
        exec(compile(program, "staging_page.py", "exec"), names)
        assert without_numbers(capsys.readouterr().out) == without_numbers(printed)


@pytest.mark.parametrize(
    ("order", "row"),
    [
        (Order.LATE, "the device always late (HostFirst)"),
        (Order.PROMPT, "the device always prompt (Eager), as a synchronous mock is"),
        (Order.EVERY, "all orders"),
        (Order.LOCKSTEP, "all orders, in lockstep"),
    ],
)
def test_the_page_names_what_each_order_misses(order: Order, row: str) -> None:
    missed = [name for name in bug_rows() if not measure_order(name, order).by]
    assert f"| {row} | {', '.join(missed) or 'none'} |\n" in TEXT


def test_the_page_counts_the_bugs() -> None:
    assert len(bug_rows()) == 13
    assert "Thirteen wrong stagings are told" in TEXT
    assert all(f"`{name}`" in TEXT for name in NOT_STAGED)


@pytest.mark.parametrize("design", [design_of(False, 2), design_of(True, 2)])
def test_the_page_names_every_field_that_is_compared(design: StagedDesign) -> None:
    told = set(re.findall(r"`([a-z_]+)`", TEXT.split("| what is shown |")[1].split("\n\n")[0]))
    assert {field.name for field in design.fields} <= told


def test_the_page_counts_the_states_of_the_design() -> None:
    table = TEXT.split("| sizes | states |")[1].split("\n\n")[0]
    model = GatheredRows.instance(N=4, D=2)
    found = explore(model, Options(engine=Engine.COMPILED, symmetry=Symmetry.ON))
    assert f"| D=2, B=2 | {found.states:,} | {found.transitions:,} |" in table


def test_the_page_counts_the_orders_of_the_right_stagings() -> None:
    for kind in RIGHT.values():
        runs = []
        for iterations in (3, 6):
            explored = every_order(kind, drawn(1, iterations), Budget(runs=1_000))
            assert explored.reach is Reach.EXHAUSTED
            assert set(explored.outcomes) == {frozenset()}
            runs.append(explored.runs)
        assert f"({runs[0]} runs at three, {runs[1]} at six" in TEXT
        stepped = every_step(kind, drawn(1, 6), Budget(runs=1_000))
        assert (stepped.reach, stepped.runs) == (Reach.EXHAUSTED, runs[1])
        assert set(stepped.outcomes) == {""}


def test_six_iterations_on_a_budget_are_inconclusive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    sizes = ("--size", "N=6", "--size", "D=2", "--states", "2000", "--engine", "python")
    assert run(("explore", "staging-v2", *sizes, "--quiet")) == Exit.INCONCLUSIVE
    printed = capsys.readouterr().out
    assert "staging-v2: inconclusive, N=6" in printed
    assert "exhausted" not in printed

"""Every design and every known bug as TLA+: well formed, and TLC says what our search says."""

from __future__ import annotations

from pathlib import Path

import pytest
from tla_structure import faults
from tla_tools import needs_tlc, run_tlc

from kvcheck.explore.options import Engine, Options
from kvcheck.explore.search import explore
from kvcheck.export import export_tla
from kvspec.bugs import BUGS
from kvspec.lang import Model
from kvspec.models import MACHINES
from toys.peterson import Peterson
from toys.philosophers import Polite, Table
from toys.switches import Switches

# The smallest sizes at which each design still does everything it can do.
SMALL = {
    "tiers": {"P": 1, "S": 1},
    "offload": {"P": 1, "S": 1},
    "stored": {"P": 1, "S": 1},
    "retention": {"P": 1, "S": 1},
    "pins": {"P": 1, "S": 1},
    "copies": {"W": 2, "S": 2},
    "remote": {"P": 1, "S": 1},
}
FIRST_BUG_OF_EACH_DESIGN = {bug.design: name for name, bug in reversed(BUGS.items())}


def design(name: str) -> Model:
    return MACHINES[name].instance(**SMALL.get(name, {}))


def wrong(name: str) -> Model:
    return BUGS[name].machine.instance(**BUGS[name].sizes)


@pytest.mark.parametrize("name", MACHINES)
def test_every_design_is_well_formed_tla(name: str) -> None:
    assert faults(export_tla(MACHINES[name].instance()).text) == []


@pytest.mark.parametrize("name", BUGS)
def test_every_known_bug_is_well_formed_tla(name: str) -> None:
    assert faults(export_tla(wrong(name)).text) == []


@pytest.mark.parametrize("name", MACHINES)
def test_an_independent_grammar_parses_every_design(name: str) -> None:
    tree_sitter = pytest.importorskip("tree_sitter", reason="the extra 'tla' is not installed")
    grammar = pytest.importorskip("tree_sitter_tlaplus", reason="the extra 'tla' is absent")
    parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
    text = export_tla(design(name)).text
    assert not parser.parse(text.encode()).root_node.has_error


@needs_tlc
@pytest.mark.parametrize("name", MACHINES)
def test_tlc_counts_the_states_that_we_count(name: str, tmp_path: Path) -> None:
    model = design(name)
    ours = explore(model, Options(engine=Engine.PYTHON))
    assert ours.complete
    run = run_tlc(export_tla(model), tmp_path)
    assert run.exit_code == 0, run.output
    assert run.distinct == ours.states


@needs_tlc
@pytest.mark.parametrize(
    "model", [Peterson.instance(), Polite.instance(), Switches.instance(N=8)], ids=lambda m: m.name
)
def test_tlc_counts_the_states_of_the_toys(model: Model, tmp_path: Path) -> None:
    run = run_tlc(export_tla(model), tmp_path)
    assert run.exit_code == 0, run.output
    assert run.distinct == explore(model, Options(engine=Engine.PYTHON)).states


@needs_tlc
def test_tlc_finds_the_philosophers_deadlock(tmp_path: Path) -> None:
    assert "Deadlock reached" in run_tlc(export_tla(Table.instance()), tmp_path).output


@needs_tlc
@pytest.mark.parametrize("name", FIRST_BUG_OF_EACH_DESIGN.values())
def test_tlc_refutes_a_bug_by_what_it_claims_to_break(name: str, tmp_path: Path) -> None:
    run = run_tlc(export_tla(wrong(name)), tmp_path)
    assert run.exit_code != 0
    said = [f"Invariant {broken} is violated" for broken in BUGS[name].breaks]
    said += [f"{broken}: " for broken in BUGS[name].breaks]
    assert any(words in run.output for words in said), run.output

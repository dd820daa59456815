"""Every construct of the IR survives the way to TLA+, and TLC then finds exactly our states."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import tla_constructs
from tla_constructs import state_count
from tla_structure import faults
from tla_tools import needs_tlc, run_tlc

from kvcheck.export import export_tla
from kvspec.lang.ir import Assert, Literal, Model, PropertyKind


@pytest.fixture(scope="module")
def constructs() -> Model:
    return tla_constructs.model()


def test_every_construct_passes_the_structural_reader(constructs: Model) -> None:
    assert faults(export_tla(constructs).text) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("/\\ STATE_1' = ", "/\\ STATE_1 = "),
        ("UNCHANGED <<level>>", "UNCHANGED <<level, copies>>"),
        ("Tail(copies)", "Tail(copiez)"),
        ("\\E hot \\in BOOLEAN", "\\E level \\in BOOLEAN"),
        ("Mode_IF == 0", "Block == 0"),
        ("(Len(copies) = 2)", "(Len(copies) = 2"),
        ("Mode_Len == 1", "IF == 1"),
    ],
)
def test_the_structural_reader_sees_a_planted_fault(constructs: Model, old: str, new: str) -> None:
    text = export_tla(constructs).text
    assert old in text
    assert faults(text.replace(old, new, 1)) != []


def test_the_same_model_gives_the_same_bytes(constructs: Model) -> None:
    assert export_tla(constructs) == export_tla(tla_constructs.model())


def test_names_that_clash_with_tla_are_respelled(constructs: Model) -> None:
    module = export_tla(constructs)
    assert module.name == "EXTENDS_1"
    assert "IF_1(hot) ==" in module.text
    assert "VARIABLES Head_1, copies, marked, level, vars, STATE_1" in module.text
    assert "vars_1 == <<" in module.text


def test_goals_are_offered_as_commented_negations(constructs: Model) -> None:
    module = export_tla(constructs)
    assert "Unreached_both == ~both" in module.text
    assert "\n\\* INVARIANT Unreached_both\n" in module.cfg


def test_a_model_without_state_is_refused(constructs: Model) -> None:
    with pytest.raises(ValueError, match="no state variable"):
        export_tla(replace(constructs, variables=(), actions=(), properties=()))


@needs_tlc
def test_tlc_finds_exactly_our_states(constructs: Model, tmp_path: Path) -> None:
    run = run_tlc(export_tla(constructs), tmp_path)
    assert run.exit_code == 0, run.output
    assert run.distinct == state_count(constructs)


@needs_tlc
def test_tlc_sees_the_deadlock_where_no_end_is_allowed(constructs: Model, tmp_path: Path) -> None:
    endless = tuple(p for p in constructs.properties if p.kind is not PropertyKind.TERMINAL)
    run = run_tlc(export_tla(replace(constructs, properties=endless)), tmp_path)
    assert "Deadlock reached" in run.output


@needs_tlc
def test_tlc_reaches_the_goal(constructs: Model, tmp_path: Path) -> None:
    module = export_tla(constructs)
    asked = replace(module, cfg=module.cfg.replace("\\* INVARIANT", "INVARIANT"))
    run = run_tlc(asked, tmp_path)
    assert "Invariant Unreached_both is violated" in run.output


@needs_tlc
def test_tlc_stops_at_a_failing_assertion_with_its_message(
    constructs: Model, tmp_path: Path
) -> None:
    first = constructs.actions[0]
    never = tuple(
        replace(s, condition=Literal(0, s.condition.type)) if isinstance(s, Assert) else s
        for s in first.body
    )
    loud = replace(constructs, actions=(replace(first, body=never), *constructs.actions[1:]))
    assert "IF: gain is small" in run_tlc(export_tla(loud), tmp_path).output


def test_an_independent_grammar_parses_every_construct(constructs: Model) -> None:
    tree_sitter = pytest.importorskip("tree_sitter", reason="the extra 'tla' is not installed")
    grammar = pytest.importorskip("tree_sitter_tlaplus", reason="the extra 'tla' is absent")
    parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
    text = export_tla(constructs).text
    assert not parser.parse(text.encode()).root_node.has_error
    assert parser.parse(text.replace("Tail(@)", "Tail(@").encode()).root_node.has_error

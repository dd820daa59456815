"""The design with threads is proved by lemmas that are all needed, and no wrong design is."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from kvcheck.explore import Engine, Options, explore
from kvcheck.live import ranking
from kvcheck.live.measure import Rule, confirm
from kvcheck.solve.answer import Answer
from kvcheck.solve.engines import InductionEngine, StatedSize
from kvcheck.solve.every_size import EverySizeEngine, EverySizeOptions
from kvcheck.solve.obligations import Obligation, inductive_properties, proof_plan
from kvcheck.solve.options import SolveOptions
from kvcheck.solve.parallel import Task
from kvcheck.verdict import Outcome
from kvspec.bugs import BUGS
from kvspec.lang import Machine, Model, lemma
from kvspec.lang.ir import PropertyKind
from kvspec.lang.standing import at, kept
from kvspec.models import DESIGNS, MACHINES, VARIANTS
from kvspec.models.remote import Block, Reader
from kvspec.models.remote_proof import ProvedPool

EVERY_SIZE = EverySizeEngine(EverySizeOptions())
AT_SIZE = StatedSize(SolveOptions(), time.perf_counter)

# each lemma, and the first obligation that fails without it
NEEDED = {
    "slots_distinct": "scheduler__claimed/nothing_is_read_while_written",
    "unreferenced_is_queued": "scheduler__idle/remove of what is not in free #4",
    "in_hand_is_what_moves": "scheduler__claimed/nothing_is_read_while_written",
    "in_hand_is_in_no_table": "scheduler__swapped/references_counted",
    "moves_between_levels": "scheduler__swapped/references_counted",
    "nobody_finds_the_counterpart": "scheduler__sent/pinned_slots_stay_put",
    "readers_have_what_they_pinned": "order/references_counted",
    "writes_are_noted": "reader__pinned/nothing_is_read_while_written",
}

# what no invariant needs, and the promise whose measure is refused without it
NEEDED_TO_COME = {
    "held_from_swap_to_entry": "the_lock_comes_free",
    "the_scheduler_goes_on": "every_job_ends",
}

# the lemmas that `remote-by-id` adds, and the first obligation that fails without each
BY_ID = {
    "what_moves_is_cached": "scheduler__came/readers_have_what_they_were_told",
    "nobody_finds_what_is_handed_out": "scheduler__swapped/readers_have_what_they_were_told",
}

# each wrong design, and a step at which its proof fails
FAILS = {
    "s3-1": "reader__counted/free_count is out of range #2",
    "s3-1-torn": "reader__counted/references_counted",
    "s3-2": "scheduler__peeked/remove of what is not in free",
    "s3-3": "scheduler__coming/pinned_slots_stay_put",
    "s3-4": "reader__looked/queued_is_unreferenced",
    "s3-4-atomic": "reader__counted/remove of what is not in free",
    "s3-4-in-hand": "reader__start/nobody_finds_the_counterpart",
    "s3-4-old-id": "reader__start/readers_have_what_they_were_told",
    "s3-4-undone-twice": "reader__undone/references_counted",
    "s3-5": "scheduler__sent/pinned_slots_stay_put",
    "s3-6-r1": "scheduler__swapped/queued_is_unreferenced",
    "s3-6-r2": "reader__looked/queued_is_unreferenced",
    "s3-6-r3": "scheduler__coming/tables_are_primary",
    "s3-6-r4": "reader__pinned/nothing_is_read_while_written",
    "s3-7-barged": "reader__barged/queued_is_unreferenced",
    "s3-7-claimed": "scheduler__start/unreferenced_is_queued",
    "s3-7-crossed": "scheduler__matched/copies_do_not_cross",
    "s3-7-forgotten": "scheduler__sent/nothing_is_lost",
    "s3-7-stale-note": "complete/notes_end_with_their_copy",
}
DEADLOCKS = {"s3-7-relock"}  # it breaks no fact: induction says nothing of deadlocks

# a right variant, and its states at P=1, S=1
SPACES = {
    "remote-try-lock": 11_809,
    "remote-recursive-lock": 14_536,
    "remote-short-lock": 11_851,
    "remote-by-id": 37_916,
}


PAGE = Path(__file__).parents[2] / "docs" / "cases" / "s3.md"
ROW = re.compile(r"^\| `([\w-]+)` \| (.*) \|$", re.MULTILINE)


def name(goal: Obligation) -> str:
    return f"{goal.action}/{goal.subject}"


def answers(
    model: Model, goals: Iterable[Obligation], engine: InductionEngine | EverySizeEngine
) -> list[Answer]:
    by_action = defaultdict(list)
    for goal in goals:
        by_action[goal.action].append(goal)
    return [
        answer
        for action, mine in by_action.items()
        for answer in engine.answers(Task(model, action, tuple(mine)))
    ]


def answer_to(model: Model, wanted: str) -> Answer:
    """Induction at the model's size; a counterexample has been executed before it comes here."""
    (goal,) = (goal for goal in proof_plan(model).to_prove if name(goal) == wanted)
    (answer,) = answers(model, [goal], AT_SIZE)
    return answer


def unproved(model: Model) -> set[str]:
    found = answers(model, proof_plan(model).to_prove, AT_SIZE)
    return {name(a.obligation) for a in found if a.outcome is not Outcome.HOLDS}


def with_lemmas(bug: str) -> type[Machine]:
    """The wrong design with every lemma of the right one."""
    wrong, right = BUGS[bug].machine, {**MACHINES, **VARIANTS}[BUGS[bug].design]
    return type(f"Proved{wrong.__name__}", (wrong, right), {})


def test_the_design_is_proved_at_a_stated_size_with_three_threads():
    assert unproved(MACHINES["remote"].instance(P=2, S=1, R=2)) == set()


def test_no_question_comes_near_its_limit_of_work():
    model = MACHINES["remote"].instance()
    mine = [g for g in proof_plan(model).to_prove if g.action == "scheduler__start"]
    most = max(answer.resources for answer in answers(model, mine, EVERY_SIZE))
    assert most * 20 < EVERY_SIZE.options.resource_limit


@pytest.mark.parametrize("needed", NEEDED)
def test_without_a_lemma_the_induction_fails(needed):
    model = MACHINES["remote"].instance(P=2, S=1)
    others = tuple(p for p in model.properties if p.name != needed)
    assert len(others) == len(model.properties) - 1
    answer = answer_to(replace(model, properties=others), NEEDED[needed])
    assert answer.is_counterexample_to_induction


@pytest.mark.parametrize("needed", BY_ID)
def test_without_a_lemma_of_its_own_the_variant_by_id_is_not_proved(needed):
    model = VARIANTS["remote-by-id"].instance(P=2, S=1)
    others = tuple(p for p in model.properties if p.name != needed)
    assert len(others) == len(model.properties) - 1
    answer = answer_to(replace(model, properties=others), BY_ID[needed])
    assert answer.is_counterexample_to_induction


def test_the_needed_lemmas_are_all_that_there_are():
    lemmas = MACHINES["remote"].instance().of_kind(PropertyKind.LEMMA)
    assert [p.name for p in lemmas] == [*NEEDED, *NEEDED_TO_COME]


@pytest.mark.parametrize("needed", NEEDED_TO_COME)
def test_without_a_lemma_a_measure_is_refused(needed):
    model = MACHINES["remote"].instance(P=1, S=1)
    (promise,) = (p for p in model.promises if p.name == NEEDED_TO_COME[needed])
    others = tuple(p for p in inductive_properties(model) if p.name != needed)
    asked = ranking._Asked(model, promise, others, SolveOptions(minimise_work=0))
    breach = next(asked.questions())()
    confirm(model, promise, breach, others)
    assert breach.rule is Rule.SOMEBODY_ABLE


@pytest.mark.parametrize("bug", FAILS)
def test_the_proof_of_a_wrong_design_fails_where_it_is_wrong(bug):
    answer = answer_to(with_lemmas(bug).instance(P=2, S=1), FAILS[bug])
    assert answer.is_counterexample_to_induction


def test_every_wrong_design_fails_to_be_proved():
    wrong = {bug.id for bug in BUGS.values() if bug.machine.__mro__.count(DESIGNS["remote"])}
    assert wrong == {*FAILS, *DEADLOCKS}


class LookedFirst(ProvedPool):
    """A lemma for the readers of R2 and R4, who stand at one place more."""

    @lemma
    def looks_at_what_it_was_asked_for(self) -> bool:
        "A reader that has looked has no block yet, and wants the one that it looked at."
        return all(
            not at(self.reader(r), "looked")
            or (self.wants[r] and kept(self.reader(r), "block", Block) == self.wanted[r])
            for r in Reader
        )


@pytest.mark.parametrize(
    ("bug", "lemmas", "left"),
    [
        ("s3-6-r2", LookedFirst, "reader__looked/queued_is_unreferenced"),
        ("s3-6-r3", ProvedPool, "scheduler__coming/tables_are_primary"),
        ("s3-6-r4", LookedFirst, "reader__pinned/nothing_is_read_while_written"),
    ],
)
def test_of_a_hole_in_the_published_fix_nothing_else_stays_unproved(bug, lemmas, left):
    wrong = BUGS[bug].machine
    model = type(f"Told{wrong.__name__}", (wrong, lemmas), {}).instance(P=1, S=1)
    assert unproved(model) == {left}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_right_variant_is_searched_whole_and_proved_where_it_differs(variant):
    found = explore(VARIANTS[variant].instance(P=1, S=1), Options(engine=Engine.PYTHON))
    assert (found.complete, found.findings, found.states) == (True, (), SPACES[variant])
    model, right = VARIANTS[variant].instance(), MACHINES["remote"].instance()
    known = {p.name for p in right.properties}
    same = {a.name for a in model.actions if a in right.actions}
    goals = [
        goal
        for goal in proof_plan(model).to_prove
        if goal.action not in same or (goal.number < 0 and goal.subject not in known)
    ]
    assert goals
    assert {a.outcome for a in answers(model, goals, EVERY_SIZE)} == {Outcome.HOLDS}


def test_the_page_of_the_case_says_what_is_tested_here():
    told = [(first, *rest.split(" | ")) for first, rest in ROW.findall(PAGE.read_text("utf-8"))]
    sentences = {p.name: p.sentence for p in VARIANTS["remote-by-id"].instance().properties}
    needed = {**NEEDED, **BY_ID}
    assert {row for row in told if row[0] in needed} == {
        (one, sentences[one], f"`{step}`") for one, step in needed.items()
    }
    assert {row for row in told if row[0] in NEEDED_TO_COME} == {
        (one, sentences[one], f"`{promise}`") for one, promise in NEEDED_TO_COME.items()
    }
    states = {one: f"{count:,}" for one, count in SPACES.items()}
    assert {row[0]: row[-1] for row in told if row[0] in VARIANTS and len(row) == 3} == states
    failing = {row for row in told if row[0] in FAILS and "/" in row[-1]}
    assert failing == {(bug, f"`{step}`") for bug, step in FAILS.items()}
